//! How long it takes from `sky new` to the first answer of the service that it has made.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use skyloom_testing::figures::{Row, Target, median};
use tokio::time::Instant;

/// How often a project is made, built, started and called.
const ROUNDS: usize = 3;

/// How long to wait before looking again whether the cluster is ready.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A folder for projects, and what they share.
struct Ground {
    root: PathBuf,
    target: PathBuf,
    folder: tempfile::TempDir,
    sky: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace");
        run(cargo().args(["build", "--release", "--quiet", "-p", "skyloom-cli", "--bin", "sky"]).current_dir(&root));
        let suite = std::env::current_exe().expect("this program's file");
        let release = suite.ancestors().nth(2).expect("the folder of the build");
        let (sky, target) = (release.join("sky"), release.with_file_name("scaffold"));
        Self { root, target, folder: tempfile::tempdir().expect("a directory"), sky }
    }

    /// `sky` in a folder, with a broker of this measurement's own.
    fn sky(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.sky);
        command.current_dir(folder).env("CARGO_TARGET_DIR", &self.target).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("SKYLOOM_BROKER", format!("unix:{}", self.folder.path().join("b.sock").display()));
        command
    }

    fn make(&self, name: &str) -> PathBuf {
        let skyloom = format!("path={}", self.root.display());
        run(self.sky(self.folder.path()).args(["new", name, "--skyloom", &skyloom]));
        let project = self.folder.path().join(name);
        // The same versions as here, already downloaded.
        fs::copy(self.root.join("Cargo.lock"), project.join("Cargo.lock")).expect("a lock file");
        project
    }

    /// Makes a project, starts its cluster, calls it; in seconds.
    fn round(&self, number: usize) -> f64 {
        let name = format!("orders-of-{}", ["monday", "tuesday", "wednesday"].get(number).expect("a day"));
        let start = Instant::now();
        let project = self.make(&name);
        let log = project.join("cluster.log");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut up = self.sky(&project);
        up.args(["up", "cluster.toml", "--port", &port.to_string()]);
        let mut cluster = Cluster(up.stderr(fs::File::create(&log).expect("a file")).spawn().expect("sky runs"));
        while !fs::read_to_string(&log).unwrap_or_default().contains("ready after") {
            assert!(
                cluster.0.try_wait().is_ok_and(|ended| ended.is_none()),
                "the cluster has ended: {}",
                log.display()
            );
            sleep(LOOK_AGAIN);
        }
        let package = name.replace('-', "_");
        let service: String = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        run(self.sky(&project).args(["call", &format!("{package}.v1.{service}/Hello"), r#"{"name":"Ada"}"#]));
        start.elapsed().as_secs_f64()
    }
}

/// A cluster that ends with its round.
struct Cluster(Child);

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status());
        drop(self.0.wait());
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn run(command: &mut Command) {
    let status = command.status().expect("it runs");
    assert!(status.success(), "{command:?} ended with {status}");
}

pub(crate) fn rows() -> Vec<Row> {
    let ground = Ground::new();
    // What a project depends on is built before.
    let first = ground.make("first");
    run(cargo().args(["build", "--quiet"]).env("CARGO_TARGET_DIR", &ground.target).current_dir(first));
    let value = median((0..ROUNDS).map(|number| ground.round(number)).collect());
    vec![Row {
        what: "`sky new` to the first successful `sky call`, dependencies built".to_owned(),
        ours: format!("{value:.1} s"),
        yardstick: "-".to_owned(),
        value,
        target: Target::AtMost(30.0, "s"),
    }]
}
