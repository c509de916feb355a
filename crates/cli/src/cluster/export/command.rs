//! The command itself.

use std::path::{Path, PathBuf};

use super::{
    super::{blueprint::Blueprint, build::Build, file::ClusterFile, place::Place, signals::wishes},
    daemontools, exposed,
    pieces::Pieces,
    systemd::{self, Earlier},
    tree::Tree,
};
use crate::{
    failure::Failure,
    output::{Paint, note},
    session::Global,
    text::shell_word,
};

/// Where the system's own units are.
const UNITS: &str = "/etc/systemd/system";

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

impl Supervisor {
    /// What it is called.
    fn name(self) -> &'static str {
        match self {
            Self::Daemontools => "daemontools",
            Self::Systemd => "systemd",
        }
    }
}

/// Writes the files.
///
/// # Errors
/// A mistake in the cluster file, or a file that cannot be written.
pub(crate) async fn supervise(args: &SuperviseArgs, global: &Global) -> Result<(), Failure> {
    let place = Place::of(&args.file)?;
    let settings = place.settings(global)?;
    let blueprint = Blueprint::new(place, global, &settings);
    let mut file = blueprint.file(&ClusterFile::text(&args.file)?)?;
    let mut plan = blueprint.plan(&file)?;
    // What runs in production is built for it.
    let paint = Paint::stderr(global.color);
    let build = Build { blueprint: &blueprint, release: true, follow: None, paint };
    build.run(&mut file, &mut plan, "written", &mut wishes()?).await?;
    let stem = args.file.file_stem().map_or_else(|| "cluster".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let pieces = Pieces::new(args.name.as_deref().unwrap_or(&stem), args.user.as_deref(), &plan)?;
    let out = args.out.clone().unwrap_or_else(|| args.supervisor.name().into());
    let (tree, said, earlier) = match args.supervisor {
        Supervisor::Daemontools => {
            let tree = daemontools::directories(&pieces)?;
            let changed = daemontools::changed(&pieces, &tree, &out);
            tree.write(&out)?;
            let mut said = daemontools::sweep(&pieces, &tree, &out)?;
            said.extend(changed);
            said.extend(exposed::warnings(&pieces, daemontools::places));
            (tree, said, Earlier::default())
        }
        Supervisor::Systemd => {
            let tree = systemd::units(&pieces);
            let earlier = systemd::earlier(&pieces, &tree, &out);
            tree.write(&out)?;
            systemd::sweep(&earlier, &out)?;
            let removed = |path: &PathBuf| {
                format!("{} is no part of the cluster any more, and is removed", out.join(path).display())
            };
            let mut said: Vec<String> = earlier.files.iter().map(removed).collect();
            said.extend(exposed::warnings(&pieces, |part| systemd::places(&pieces, part)));
            (tree, said, earlier)
        }
    };
    said.iter().for_each(|sentence| note(sentence));
    say(args, &pieces, &tree, &earlier, &out);
    Ok(())
}

/// Says what has been written and what to do next.
fn say(args: &SuperviseArgs, pieces: &Pieces<'_>, tree: &Tree, earlier: &Earlier, out: &Path) {
    let (name, count, typed) = (pieces.name, tree.paths().count(), shell_word(&out.display().to_string()));
    let out = out.display();
    if args.supervisor == Supervisor::Daemontools {
        let runs = pieces.plan.parts.iter().map(|part| part.processes.len()).sum::<usize>();
        return note(&format!(
            "{runs} service directories are in {out}; next: svscan {typed}, or link each into /service"
        ));
    }
    note(&format!("{count} files are in {out}; next, as root:"));
    if !earlier.units.is_empty() {
        note(&format!("  systemctl stop {}   # no part of the cluster any more", earlier.units.join(" ")));
    }
    if !earlier.files.is_empty() {
        // What holds a password has its place in /etc, and units have theirs.
        let place = |path: &PathBuf| Path::new(if path.starts_with(name) { "/etc" } else { UNITS }).join(path);
        let places: Vec<String> = earlier.files.iter().map(|path| place(path).display().to_string()).collect();
        note(&format!("  rm -f {}", places.join(" ")));
    }
    note(&format!("  cp {typed}/{name}*.* {UNITS}/"));
    if tree.paths().any(|path| path.starts_with(name)) {
        note(&format!("  cp -rp {typed}/{name} /etc/   # what holds a password"));
    }
    note(&format!("  systemctl daemon-reload && systemctl enable --now {name}.target"));
    if !earlier.changed.is_empty() {
        note(&format!(
            "  systemctl try-restart {}   # as far as they run: what they are made of has changed",
            earlier.changed.join(" ")
        ));
    }
    if args.user.is_none() {
        note("without --user they run as root, unless they are used with systemctl --user");
    }
}
