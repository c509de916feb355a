//! The command itself.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    super::{build::Build, file::ClusterFile, plan::Plan, signals::wishes},
    daemontools,
    pieces::Pieces,
    systemd,
    tree::Tree,
};
use crate::{
    failure::Failure,
    output::{Paint, note},
    session::Global,
};

/// Write what an existing supervisor needs to run a cluster file
///
/// For daemontools: a service directory for each process, with run, log/run (multilog) and env/. For systemd: a target,
/// socket units, services that tell when they are ready (Type=notify) and that they live (watchdog), and a template unit
/// for each service. Programs are named by their absolute paths as they are found now;
/// what the file gives as a package is built with optimisations first.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SuperviseArgs {
    /// daemontools or systemd
    #[arg(value_enum, value_name = "SUPERVISOR", hide_possible_values = true)]
    supervisor: Supervisor,
    /// The cluster file (TOML)
    #[arg(value_name = "CLUSTER")]
    file: PathBuf,
    /// Write into this directory [default: the supervisor's name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What the cluster is called in units [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Run the processes as this user
    #[arg(long)]
    user: Option<String>,
}

/// What runs the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Supervisor {
    Daemontools,
    Systemd,
}

/// Writes the files.
///
/// # Errors
/// A mistake in the cluster file, or a file that cannot be written.
pub(crate) async fn supervise(args: &SuperviseArgs, global: &Global) -> Result<(), Failure> {
    let file = ClusterFile::read(&args.file)?;
    let directory =
        env::current_dir().map_err(|error| Failure::failed(format!("cannot tell the current directory: {error}")))?;
    let mut plan = Plan::new(&file, &directory, &global.endpoints()?)?;
    if !file.wanted().is_empty() {
        // What runs in production is built for it.
        let paint = Paint::stderr(global.color);
        let build = Build { path: &args.file, directory: &directory, release: true, watch: false, paint };
        build.run(&file, &mut plan, "written", &mut wishes()?).await?;
    }
    let stem = args.file.file_stem().map_or_else(|| "cluster".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let pieces = Pieces::new(args.name.as_deref().unwrap_or(&stem), args.user.as_deref(), &plan)?;
    let (tree, usual) = match args.supervisor {
        Supervisor::Daemontools => (daemontools::directories(&pieces)?, "daemontools"),
        Supervisor::Systemd => (systemd::units(&pieces), "systemd"),
    };
    let out = args.out.clone().unwrap_or_else(|| usual.into());
    tree.write(&out)?;
    let line = match args.supervisor {
        Supervisor::Daemontools => daemontools::mark(&pieces),
        Supervisor::Systemd => systemd::mark(&pieces),
    };
    for left in tree.left(&out, &line) {
        note(&format!("{} is no part of the cluster any more; {}", left.display(), leave(args.supervisor)));
    }
    say(args, &pieces, &tree, &out);
    Ok(())
}

/// How what is no part of the cluster any more is given up.
fn leave(supervisor: Supervisor) -> &'static str {
    match supervisor {
        Supervisor::Daemontools => "stop it and its log with svc -dx, and remove it",
        Supervisor::Systemd => "stop it and remove it, here and from /etc/systemd/system",
    }
}

/// Says what has been written and what to do next.
fn say(args: &SuperviseArgs, pieces: &Pieces<'_>, tree: &Tree, out: &Path) {
    let (name, count, out) = (pieces.name, tree.paths().count(), out.display());
    if args.supervisor == Supervisor::Daemontools {
        let runs = pieces.plan.parts.iter().map(|part| part.processes.len()).sum::<usize>();
        return note(&format!(
            "{runs} service directories are in {out}; next: svscan {out}, or link each into /service"
        ));
    }
    note(&format!("{count} files are in {out}; next, as root:"));
    note(&format!("  cp {out}/{name}*.* /etc/systemd/system/"));
    if tree.paths().any(|path| path.starts_with(name)) {
        note(&format!("  cp -rp {out}/{name} /etc/   # what holds a password"));
    }
    note(&format!("  systemctl daemon-reload && systemctl enable --now {name}.target"));
    if args.user.is_none() {
        note("without --user they run as root, unless they are used with systemctl --user");
    }
}
