//! The command `sky up`.

use std::path::PathBuf;

use skyloom::{Endpoints, config::LogFormat, telemetry::Stderr};

use super::{
    blueprint::Blueprint,
    board::Board,
    build::Build,
    changes::{Changes, Origins},
    file::{ClusterFile, EXAMPLE},
    logs::Logs,
    obstacles,
    place::Place,
    run::run,
    run_dir::RunDir,
    signals::wishes_and_reloads,
};
use crate::{
    failure::Failure,
    output::{Paint, note},
    session::Global,
};

/// Run a cluster file: broker, services and gateway, restarted when they end, until Ctrl-C
///
/// What the file gives as a package is built first, all at once, and nothing starts if that fails. With --watch
/// its sources are followed: a change is built, and the processes whose program it changed are replaced, the old
/// ones ending when the new ones are ready.
///
/// With --watch the file itself is followed, too, and skyloom.toml; without, SIGHUP has both read again. What was added
/// starts, what was taken out finishes its work and ends, and what is set otherwise is replaced; the rest is left alone.
/// A file with a mistake changes nothing. Where the broker is, and whether and where there is a gateway, takes a
/// restart. What the command line says wins over the file each time.
///
/// Each part starts when those it comes after are ready. Ctrl-C or SIGTERM stops the gateway first,
/// then the services, then the broker, each after finishing its work; a second Ctrl-C kills. If
/// `sky` itself is killed with SIGKILL, what is built on Skyloom ends by itself within seconds; other programs go on, and
/// the next `sky up` in the same --dir names them. Paths in the file are relative to its own folder, wherever this is started;
/// its processes run there, and read the skyloom.toml that is there. A program without a slash is looked for beside
/// `sky` and then in PATH.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = format!("The cluster file:\n\n{EXAMPLE}"))]
pub(crate) struct UpArgs {
    /// The cluster file (TOML) [default: cluster.toml]
    file: Option<PathBuf>,
    /// Follow the file and the sources of what is built, and replace what changes
    #[arg(short, long)]
    watch: bool,
    /// Build with optimisations
    #[arg(long)]
    release: bool,
    /// The gateway's port, instead of the file's
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How many of a service run, instead of what the file says; may be repeated
    #[arg(long, value_name = "NAME=N", value_parser = parse_scale)]
    scale: Vec<(String, u32)>,
    /// Keep the state (state.json) and one log file for each part (logs/NAME.log) here
    #[arg(long, value_name = "RUN_DIR")]
    dir: Option<PathBuf>,
    /// Read and check the file, say in which order its services start, and start nothing
    #[arg(long)]
    check: bool,
}

fn parse_scale(text: &str) -> Result<(String, u32), String> {
    let wrong = || format!("{text:?} is no scale; write NAME=N, such as qr=3");
    let (name, number) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), number.parse().map_err(|_| wrong())?))
}

/// Says what a file would start. Whether its programs are there is not looked at, so that a file can be checked
/// where it is written and not only where it runs.
fn check(place: &Place, file: &ClusterFile, endpoints: &Endpoints) -> Result<(), Failure> {
    let shown = place.given().display();
    let order = file.in_order().map_err(|sentence| Failure::usage(format!("{shown}: {sentence}")))?;
    let embedded = endpoints.embedded().map_err(|error| Failure::usage(error.to_string()))?;
    let name = embedded.map(|url| if *url == endpoints.broker { "broker" } else { "registry" });
    let broker = file.broker.as_ref().and(name).map(str::to_owned).into_iter();
    let gateway = file.gateway.iter().map(|_| "gateway".to_owned());
    let parts: Vec<String> = broker.chain(order).chain(gateway).collect();
    note(&format!("{shown} is well-formed; it starts {}", parts.join(", ")));
    Ok(())
}

/// What to do if no file is named, and the usual one is not there.
const ABSENT: &str = "there is no cluster.toml in the current folder; name a cluster file, as in `sky up FILE`, or write \
                      one: `sky help up` shows what it may say";

/// Runs a cluster file until a signal ends it.
///
/// # Errors
/// A mistake in the file, what is in the way, or a broker or gateway that cannot be started.
pub(crate) async fn up(args: &UpArgs, global: &Global) -> Result<(), Failure> {
    let place = Place::of_usual(args.file.as_deref())?.ok_or_else(|| Failure::usage(ABSENT))?;
    let settings = place.settings(global)?;
    let blueprint = Blueprint {
        pins_registry: true,
        scale: args.scale.clone(),
        port: args.port,
        logs_text: settings.log_format == LogFormat::Auto,
        ..Blueprint::new(place, global, &settings)
    };
    let is_read_once = blueprint.place.is_read_once();
    if args.watch && is_read_once {
        let shown = blueprint.place.given().display();
        return Err(Failure::usage(format!(
            "--watch: {shown} is no file that can change; write it into one, and name that"
        )));
    }
    let text = ClusterFile::text(blueprint.place.given())?;
    let mut file = blueprint.file(&text)?;
    if args.check {
        return check(&blueprint.place, &file, &blueprint.endpoints(&file, &settings)?);
    }
    if args.release && !args.watch && file.wanted().is_empty() {
        let shown = blueprint.place.given().display();
        return Err(Failure::usage(format!(
            "--release: {shown} has nothing to build; give a service package = \"NAME\""
        )));
    }
    let mut plan = blueprint.plan(&file)?;
    let run_dir = args.dir.as_deref().map(|path| RunDir::take(path, &blueprint.place.file(), &plan)).transpose()?;
    obstacles::check(&plan)?;
    let paint = Paint::stderr(global.color);
    let (mut wishes, reload) = wishes_and_reloads()?;
    let place = &blueprint.place;
    let follow = args.watch.then(|| vec![place.file(), place.settings_file()]);
    let build = Build { blueprint: &blueprint, release: args.release, follow, paint };
    let (sources, watcher) = build.run(&mut file, &mut plan, "started", &mut wishes).await?;
    let logs = Logs::new(Stderr::new(), paint, run_dir.as_ref().map(|run_dir| run_dir.path().join("logs")));
    logs.follow_parts(&plan.parts.iter().map(|part| part.name.clone()).collect(), plan.width())?;
    if file.broker.is_some() && plan.embedded.is_none() {
        logs.say(&format!(
            "the broker is {}; the embedded one is not started",
            plan.endpoints.shown().unwrap_or_default()
        ));
    }
    let origins = Origins { blueprint, is_read_once, text, file, plan: plan.clone(), sources, watcher };
    let board = Board::default();
    let changes = Changes::new(origins, board.clone(), reload, logs.clone(), paint.is_on());
    run(plan, board, &logs, run_dir, changes, wishes).await
}
