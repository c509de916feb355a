//! `docs/getting-started.md`, done as it says.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::{
    tools::{checkout, in_project, ok, sky, take_lock_file},
    variant::Variant,
};

/// How often it is looked whether the cluster is ready; ten times a second, it may take as long as a build.
const LOOKS: usize = 6_000;

/// The gateway's port in the guide.
const PORT: &str = "8080";

/// A newcomer's folder: the clone is there, and `sky` is installed.
struct Newcomer {
    folder: PathBuf,
    port: String,
}

impl Newcomer {
    fn new(folder: &Path) -> Self {
        symlink(checkout(), folder.join("skyloom")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { folder: folder.to_owned(), port: free.local_addr().unwrap().port().to_string() }
    }

    /// A shell in a folder; the broker and the gateway are this test's own.
    fn shell(&self, folder: &Path, script: &str) -> Command {
        let mut shell = Command::new("bash");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKYLOOM_")) {
            shell.env_remove(name);
        }
        in_project(&mut shell, folder);
        let sky = Path::new(env!("CARGO_BIN_EXE_sky")).parent().unwrap();
        let path = format!("{}:{}", sky.display(), env::var("PATH").unwrap());
        shell.env("PATH", path).env("SKYLOOM_BROKER", format!("unix:{}/b.sock", self.folder.display()));
        shell.args(["-euo", "pipefail", "-c", &script.replace(PORT, &self.port)]);
        shell
    }

    /// What a script prints, which must succeed.
    #[track_caller]
    fn run(&self, folder: &Path, script: &str) -> String {
        String::from_utf8(ok(&mut self.shell(folder, script)).stdout).unwrap()
    }

    /// Starts a cluster and waits until it is ready.
    fn up(&self, folder: &Path, script: &str) -> Cluster {
        let log = self.folder.join("cluster.log");
        let mut shell = self.shell(folder, &format!("exec {script}"));
        let child = shell.stderr(fs::File::create(&log).unwrap()).stdout(Stdio::null()).spawn().unwrap();
        let mut cluster = Cluster(child);
        for _ in 0..LOOKS {
            let said = fs::read_to_string(&log).unwrap();
            if said.contains("ready after") {
                return cluster;
            }
            assert!(cluster.0.try_wait().unwrap().is_none(), "the cluster has ended:\n{said}");
            sleep(Duration::from_millis(100));
        }
        panic!("the cluster does not come up:\n{}", fs::read_to_string(&log).unwrap());
    }
}

/// A cluster that ends with the test.
struct Cluster(Child);

impl Cluster {
    /// As Ctrl-C does.
    fn stop(mut self) {
        ok(Command::new("kill").args(["-INT", &self.0.id().to_string()]));
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status());
            drop(self.0.wait());
        }
    }
}

/// The guide's blocks of code, each with its language.
fn blocks() -> Vec<(String, String)> {
    let guide = fs::read_to_string(checkout().join("docs/getting-started.md")).unwrap();
    let fenced = guide.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned() + "\n")).collect()
}

#[test]
fn the_guide_is_true() {
    let blocks = blocks();
    let [install, make, run, call, handler, agree, bye, others, generate] = blocks.as_slice() else {
        panic!("the guide has {} blocks, and this test does not know what to do with all of them", blocks.len());
    };
    let directory = tempfile::tempdir().unwrap();
    let newcomer = Newcomer::new(directory.path());
    // The clone is this checkout, and its `sky` is in the path.
    let crates = install.1.strip_prefix("git clone https://github.com/skyloom/skyloom\ncargo install --locked --path ");
    assert!(newcomer.folder.join(crates.unwrap().trim()).join("Cargo.toml").is_file(), "{}", install.1);

    let (new, test) = make.1.split_once("\ncd orders\n").unwrap();
    newcomer.run(&newcomer.folder, new);
    let project = newcomer.folder.join("orders");
    take_lock_file(&project);
    let file = project.join("cluster.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(PORT, &newcomer.port)).unwrap();
    newcomer.run(&project, test);

    let cluster = newcomer.up(&project, &run.1);
    let said = newcomer.run(&project, &call.1);
    assert_eq!(said.matches("Hello, Ada!").count(), 3, "{said}");
    assert!(said.contains("/v1/orders/hello/{name}"), "{said}");
    cluster.stop();

    let service = project.join("src/service.rs");
    let source = fs::read_to_string(&service).unwrap();
    let body: String = handler.1.lines().map(|line| format!("    {line}\n")).collect();
    fs::write(&service, source.trim_end().strip_suffix('}').unwrap().to_owned() + "\n" + &body + "}\n").unwrap();
    newcomer.run(&project, &agree.1);
    let cluster = newcomer.up(&project, &run.1);
    assert_eq!(newcomer.run(&project, &bye.1), r#"{"text":"Goodbye, Ada!"}"#);
    cluster.stop();

    newcomer.run(&newcomer.folder, &others.1);
    let made =
        ["billing/build.rs", "prices/src", "stock/src/events.rs", "mail", "edge/src/options.rs", "shop/contracts"];
    for path in made {
        assert!(newcomer.folder.join(path).exists(), "{path}");
    }
    // What is cloned there is what is here; another test makes projects from a repository.
    let words: Vec<&str> = generate.1.split_whitespace().collect();
    let ["cargo", "generate", "--git", "https://github.com/skyloom/skyloom", template, "--name", name] = words[..]
    else {
        panic!("{}", generate.1);
    };
    let returns = Variant { skyloom: None, ..Variant::new("service", name) };
    let template = checkout().join(template);
    let place = ["--path", template.to_str().unwrap()];
    assert!(returns.generate(&newcomer.folder, &place).join("Cargo.toml").is_file());
    assert!(checkout().join("templates/gateway").is_dir() && checkout().join("templates/workspace").is_dir());
}

/// A service that is new in a workspace is a member like the others.
#[test]
fn a_service_is_added_to_a_workspace() {
    let directory = tempfile::tempdir().unwrap();
    let newcomer = Newcomer::new(directory.path());
    newcomer.run(&newcomer.folder, "sky new shop --workspace --skyloom path=skyloom");
    let shop = newcomer.folder.join("shop");
    let readme = fs::read_to_string(shop.join("README.md")).unwrap();
    let advice = readme.split("## One more service\n\n```sh\n").nth(1).unwrap().split("```").next().unwrap();
    newcomer.run(&shop, advice);
    take_lock_file(&shop);
    // It is, with what it is said to need, a part of the cluster, too.
    let entry = "\n[services.orders]\npackage = \"orders\"\n";
    let file = shop.join("cluster.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(PORT, &newcomer.port) + entry).unwrap();
    let cluster = newcomer.up(&shop, "sky up cluster.toml");
    let said = newcomer.run(&shop, "curl -s localhost:8080/v1/hello/Ada; curl -s localhost:8080/v1/orders/hello/Ada");
    assert!(said.contains("Welcome, Ada!") && said.contains("Hello, Ada!"), "{said}");
    cluster.stop();
    let output = sky(&shop.join("services")).args(["new", "orders"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
