//! The command `sky doctor`.

use std::path::PathBuf;

use skyloom::Settings;

use super::{
    broker,
    finding::{Finding, State},
    machine, place, project, sections,
};
use crate::{
    cluster::Place,
    failure::Failure,
    output::{json, print},
    session::Global,
    text::printable,
};

/// Look for what is in the way: configuration, cluster file, broker, versions, ports, sockets, limits
///
/// For everything that is not as it should be it says what to do. The exit code is 1 if something will not work.
/// --broker and --registry say where to look, as for every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The cluster file [default: cluster.toml, if there is one]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Looks at everything.
///
/// # Errors
/// If something is broken.
pub(crate) async fn doctor(args: &DoctorArgs, global: &Global) -> Result<(), Failure> {
    let findings = look(args, global).await?;
    if global.json {
        json(&findings)?;
    } else {
        print(&shown(&findings))?;
    }
    match findings.iter().filter(|finding| finding.state == State::Broken).count() {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing is broken")),
        number => Err(Failure::failed(format!("{number} things are broken"))),
    }
}

async fn look(args: &DoctorArgs, global: &Global) -> Result<Vec<Finding>, Failure> {
    let place = Place::of_usual(args.file.as_deref())?;
    // That of the cluster's processes; without a cluster, that of a process that is started here.
    let sources = |section| match &place {
        Some(place) => place.sources(section, global),
        None => global.sources(section),
    };
    let mut findings = vec![Finding::ok("sky", format!("version {}", env!("CARGO_PKG_VERSION")))];
    findings.push(project::configuration(&sources(None)));
    // Without a configuration nobody knows where the broker is, but a cluster file can be looked at.
    let settings = Settings::load(&sources(Some(skyloom_gateway::SECTION))).ok();
    let mut cluster = None;
    if let Some(place) = &place {
        let (found, read) = project::cluster_file(place, global, &settings.clone().unwrap_or_default()).await;
        findings.extend(found);
        cluster = read;
    }
    findings.push(machine::open_files());
    findings.extend(machine::watches());
    let Some(settings) = settings else { return Ok(findings) };
    let listen = cluster.as_ref().and_then(|cluster| cluster.gateway);
    let listen = listen.map(|address| (address, "choose another port in the cluster file, or with --port"));
    let configured = settings.listen.parse().ok().map(|address| (address, "choose another with SKYLOOM_LISTEN"));
    if let Some((address, choose)) = listen.or(configured) {
        findings.push(place::port(address, choose).await);
    }
    let endpoints = cluster.as_ref().map_or_else(|| settings.endpoints(), |cluster| cluster.endpoints.clone());
    let (found, known) = broker::look(&endpoints).await;
    findings.extend(found);
    let services = cluster.as_ref().map(|cluster| &cluster.services[..]);
    findings.extend(sections::look(&sources(None), services, known.as_deref()));
    Ok(findings)
}

fn shown(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Finding { check, state, found, advice } in findings {
        text.push_str(&format!("{:<6}  {check:<width$}  {}\n", state.word(), printable(found)));
        if let Some(advice) = advice {
            text.push_str(&format!("{:<6}  {:<width$}  -> {}\n", "", "", printable(advice)));
        }
    }
    text
}
