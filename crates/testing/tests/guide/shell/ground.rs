//! What a page's commands stand on: a directory, a port, a broker's socket, and a cluster if it asks for one.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use skyloom_testing::{
    programs::{self, program, root},
    servers::free_port,
};
use tempfile::TempDir;

/// The ports that pages write: the gateway's, a second one's, and that of the door for clients of beanstalkd.
const PORTS: [&str; 3] = [GATEWAY, "8081", "11300"];
const GATEWAY: &str = "8080";

/// The cluster file of the example: with `scripts` it is all that a page's commands find of the workspace.
const EXAMPLE: &str = "services/cluster.toml";

/// The places of the machine that pages write; here they are in a directory of the page's own.
const PLACES: [&str; 3] = ["/etc/systemd/system", "/run/shop", "/var/log/shop"];

/// What a page's `systemctl` is: nobody tells the machine's systemd anything. Units are installed if systemd finds
/// nothing wrong with them, and what is enabled is enabled in the page's own directory.
const SYSTEMCTL: &str = r#"#!/bin/sh
case "$1 $2" in
    "daemon-reload ") cd "$TMPDIR/etc/systemd/system" && SYSTEMD_UNIT_PATH="$PWD:" systemd-analyze verify --man=no --recursive-errors=no ./*.* ;;
    "enable --now") shift 2; exec "$(PATH="${PATH#*:}" command -v systemctl)" --quiet --root="$TMPDIR" enable "$@" ;;
    *) echo "nobody has said what systemctl $* is in a test" >&2; exit 1 ;;
esac
"#;

/// A directory of a page's own.
pub(crate) struct Ground {
    directory: TempDir,
    /// Those that take their place, which nobody else has.
    ports: [(&'static str, u16); PORTS.len()],
    cluster: Option<Child>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        // A socket's path has a hundred bytes at most.
        let directory = tempfile::Builder::new().prefix("guide").tempdir().unwrap();
        let work = directory.path().join("work");
        fs::create_dir(&work).unwrap();
        fs::create_dir(directory.path().join("run")).unwrap();
        for place in PLACES {
            fs::create_dir_all(directory.path().join(&place[1..])).unwrap();
        }
        let ground = Self { directory, ports: PORTS.map(|shown| (shown, free_port())), cluster: None };
        symlink(root().join("scripts"), work.join("scripts")).unwrap();
        fs::create_dir(work.join("services")).unwrap();
        let example = fs::read_to_string(root().join(EXAMPLE)).unwrap();
        fs::write(work.join(EXAMPLE), ground.command(&example)).unwrap();
        ground.write_systemctl();
        ground
    }

    fn write_systemctl(&self) {
        fs::create_dir(self.bin()).unwrap();
        let program = self.bin().join("systemctl");
        fs::write(&program, SYSTEMCTL).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Programs of a page's own, which are found before others.
    fn bin(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    /// Where the commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    fn run(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    fn broker(&self) -> String {
        format!("unix:{}/broker.sock", self.run().display())
    }

    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let own = self.bin().display().to_string();
        let path = format!("{own}:{}:{}", programs::directory().display(), env::var("PATH").unwrap_or_default());
        let target = programs::directory().parent().unwrap().display().to_string();
        [
            ("PATH", path),
            ("SKYLOOM_BROKER", self.broker()),
            ("SKYLOOM_LISTEN", format!("127.0.0.1:{}", self.port())),
            // For scripts/cluster.sh.
            ("CLUSTER_RUN", self.run().display().to_string()),
            ("CLUSTER_NO_BUILD", "1".to_owned()),
            ("CARGO_TARGET_DIR", target),
            ("TMPDIR", self.directory.path().display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn port(&self) -> u16 {
        self.ports.iter().find(|(shown, _)| *shown == GATEWAY).map(|(_, port)| *port).unwrap()
    }

    /// A command as it runs here: with ports and places that nobody else has.
    pub(crate) fn command(&self, shown: &str) -> String {
        // The script's port is the one that the page does not write.
        let script = "cluster.sh up";
        let shown = match shown.split_once(script) {
            Some((before, after)) if !after.contains("--port") => format!("{before}{script} --port {GATEWAY}{after}"),
            _ => shown.to_owned(),
        };
        let own = |place: &str| format!("{}{place}", self.directory.path().display());
        let shown = PLACES.iter().fold(shown, |text, place| text.replace(place, &own(place)));
        self.ports.iter().fold(shown, |text, (shown, port)| text.replace(shown, &port.to_string()))
    }

    /// What it printed, with the ports that the page has.
    pub(crate) fn printed(&self, printed: &str) -> String {
        self.ports.iter().fold(printed.to_owned(), |text, (shown, port)| text.replace(&port.to_string(), shown))
    }

    /// Starts the example cluster and waits until it is ready.
    ///
    /// # Panics
    /// If it runs already: nobody would end the first one.
    pub(crate) fn start_cluster(&mut self) {
        assert!(self.cluster.is_none(), "the example cluster runs already: leave out this <!-- cluster -->");
        let log = fs::File::create(self.directory.path().join("cluster.log")).unwrap();
        let child = Command::new(program("sky"))
            .args(["up", EXAMPLE, "--port", &self.port().to_string(), "--dir"])
            .arg(self.run())
            .envs(self.environment())
            .env("SKYLOOM_SETTINGS_BASE_URL", format!("http://localhost:{}", self.port()))
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.cluster = Some(child);
        let state = self.run().join("state.json");
        for _ in 0..1_200 {
            if is_ready(&state) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the cluster is not ready; it said:\n{}", self.said());
    }

    /// What the cluster has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("cluster.log")).unwrap_or_default()
    }
}

fn is_ready(state: &Path) -> bool {
    let state = fs::read(state).ok().and_then(|state| serde_json::from_slice::<serde_json::Value>(&state).ok());
    state.is_some_and(|state| state["ready"] == true)
}

impl Ground {
    /// Ends the example cluster.
    pub(crate) fn end_cluster(&mut self) {
        if let Some(mut cluster) = self.cluster.take() {
            // It drains, unless it has ended already.
            let _ = kill_process(Pid::from_child(&cluster), Signal::TERM);
            let _ = cluster.wait();
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.end_cluster();
    }
}
