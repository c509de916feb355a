//! `sky config`: the configuration of a process, and where each value comes from.

use skyloom::config::{Origin, Sources, origins, reference, section_of, service_sections};

use crate::{
    failure::Failure,
    output::{Table, left, list, note, print},
    session::{ASKING, Global, Session},
    text::did_you_mean,
};

/// Show the configuration of a process started here, and where each value comes from
///
/// Built-in default, then skyloom.toml (its sections default, service and service."NAME@VERSION"), then
/// variables that begin with SKYLOOM_, then flags; the later wins. Of a value whose name ends in password, token, key or
/// the like, and of passwords in URLs, *** is shown. If neither a section nor a service that the registry knows has this
/// name, that is said.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    /// The service whose section applies, such as links@1
    #[arg(value_name = "NAME@VERSION")]
    service: Option<String>,
    /// Print the page about every key instead, in Markdown
    #[arg(long, conflicts_with = "service")]
    reference: bool,
}

/// Shows the configuration.
///
/// # Errors
/// The first mistake in it.
pub(crate) async fn config(args: &ConfigArgs, global: &Global) -> Result<(), Failure> {
    if args.reference {
        return print(&reference());
    }
    if let Some(service) = args.service.as_ref().filter(|service| !service.contains('@')) {
        return Err(Failure::usage(format!("{service:?} names no section; write NAME@VERSION, such as {service}@1")));
    }
    let sources = global.sources(args.service.as_deref());
    let rows = origins(&sources).map_err(|error| Failure::usage(error.to_string()))?;
    list(global.json, &rows, table, "there is no configuration")?;
    if let Some(service) = &args.service {
        doubt(service, &sources, global).await?;
    }
    Ok(())
}

/// Says so if nothing is known of a service: several programs may share a file, and none of them misses a section.
async fn doubt(service: &str, sources: &Sources, global: &Global) -> Result<(), Failure> {
    let sections = service_sections(sources).map_err(|error| Failure::usage(error.to_string()))?;
    let mut known: Vec<String> = sections.into_iter().map(|section| section.name).collect();
    known.push(skyloom_gateway::SECTION.to_owned());
    let is_known = |known: &[String]| known.iter().any(|name| name == service);
    if is_known(&known) {
        return Ok(());
    }
    let mut where_else = "and the registry, which may know it, cannot be asked";
    if let Ok(session) = Session::open(global, ASKING).await {
        if let Ok(snapshot) = session.snapshot().await {
            known.extend(snapshot.contracts.values().map(|contract| section_of(contract)));
            where_else = "nor does the registry";
        }
        session.close().await;
    }
    if !is_known(&known) {
        let hint = did_you_mean(service, known.iter().map(String::as_str));
        note(&format!("no section names {service:?}, {where_else}: this is what every service gets{hint}"));
    }
    Ok(())
}

fn table(rows: &[Origin]) -> Table {
    Table::new([left("KEY"), left("VALUE"), left("FROM")])
        .with(rows, |row| [row.key.clone(), row.value.clone(), row.from.clone()])
}
