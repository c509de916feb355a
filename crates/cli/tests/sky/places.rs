//! What a cluster file names is beside it, wherever `sky` was started.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use rustix::process::Signal;

use crate::{
    ground::{command, hello_program, run, until},
    site::{Cluster, pid},
    workspace::{greet, workspace},
};

const FILE: &str = "[broker]\nlisten = 'unix:run/b.sock'\nsnapshot = 'run/../kept'\n[gateway]\nport = PORT\n\
                    [services.hello]\ncommand = ['./bin/hello']\n[services.orders]\nsource = '../orders'\n\
                    [services.stock]\npackage = 'stock'\n";

/// The folder of the cluster file, which has a space in its name, within a workspace.
const FOLDER: &str = "a shop";

/// Its file, seen from where `sky` is started.
const TYPED: &str = "../a shop/cluster.toml";

/// A cluster whose file is in a folder of its own, beside another one from which `sky` is started. What is there must
/// not be looked at.
fn apart() -> Cluster {
    let cluster = workspace(FILE);
    let folder = cluster.path(FOLDER);
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::rename(cluster.path("cluster.toml"), folder.join("cluster.toml")).unwrap();
    symlink(hello_program(), folder.join("bin/hello")).unwrap();
    fs::create_dir(cluster.path("elsewhere")).unwrap();
    fs::write(cluster.path("elsewhere/skyloom.toml"), "[default]\nlgo = 'debug'\n").unwrap();
    cluster
}

/// `sky` with these arguments, started elsewhere.
fn elsewhere(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut sky = cluster.command(arguments);
    sky.current_dir(cluster.path("elsewhere"));
    sky
}

/// Writes what the processes read when they start.
fn configure(cluster: &Cluster, greeting: &str) {
    let text = format!("[service.'greeter@1']\nsettings = {{ greeting = '{greeting}' }}\n");
    fs::write(cluster.path(FOLDER).join("skyloom.toml"), text).unwrap();
}

#[tokio::test]
async fn everything_in_a_file_is_relative_to_its_folder() {
    let mut cluster = apart();
    configure(&cluster, "Hi");
    greet(&cluster, "Hi");
    let up = elsewhere(&cluster, &["up", TYPED, "--watch", "--dir", "../run"]);
    cluster.start_as(up);
    until("the cluster", || cluster.state()["ready"] == true).await;
    let folder = cluster.path(FOLDER).canonicalize().unwrap();
    let state = cluster.state();
    let socket = cluster.path(FOLDER).join("run/b.sock");
    assert!(socket.exists());
    assert_eq!(state["broker"], format!("unix:{}", socket.display()));
    assert_eq!(state["file"], cluster.path(FOLDER).join("cluster.toml").display().to_string());
    for process in state["processes"].as_array().unwrap() {
        let id = pid(process).unwrap().as_raw_nonzero();
        assert_eq!(fs::read_link(format!("/proc/{id}/cwd")).unwrap(), folder, "{process}");
    }
    assert!(cluster.get("/v1/hello/Ada").contains("Hi, Ada!"));

    // Both files are followed there, and so are the sources.
    configure(&cluster, "Howdy");
    cluster.says("skyloom.toml changed; replacing hello, orders\n").await;
    let file = cluster.path(FOLDER).join("cluster.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("['./bin/hello']", "['./bin/hello']\ninstances = 2")).unwrap();
    until("the second", || cluster.process("hello.2")["ready"] == true).await;
    cluster.signal(Signal::HUP);
    cluster.says("cluster.toml is read again; building").await;
    cluster.says("built; no program has changed").await;
    greet(&cluster, "Howdy");
    cluster.says("built; replacing orders\n").await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
    assert!(cluster.path(FOLDER).join("kept").exists(), "what waits is kept where the file says");
}

#[tokio::test]
async fn what_is_typed_is_relative_to_where_it_is_typed() {
    let mut cluster = apart();
    configure(&cluster, "Hi");
    fs::remove_file(cluster.path("elsewhere/skyloom.toml")).unwrap();
    let own = "[service.'greeter@1']\nsettings = { greeting = 'Moin' }\n";
    fs::write(cluster.path("elsewhere/own.toml"), own).unwrap();
    let mut up = elsewhere(&cluster, &["up", TYPED, "--dir", "../run", "--scale", "orders=0"]);
    up.env("SKYLOOM_CONFIG", "own.toml").env("CARGO_TARGET_DIR", "target");
    cluster.start_as(up);
    until("the cluster", || cluster.state()["ready"] == true).await;
    assert!(cluster.get("/v1/hello/Ada").contains("Moin, Ada!"));
    assert!(cluster.path("elsewhere/target/debug/stock").exists());
    fs::write(cluster.path("elsewhere/own.toml"), own.replace("Moin", "Servus")).unwrap();
    cluster.signal(Signal::HUP);
    cluster.says("replacing hello\n").await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_broker_that_is_typed_wins_over_what_the_file_says() {
    let mut cluster = Cluster::new("[broker]\nlisten = 'unix:own.sock'\n[services.hello]\ncommand = ['HELLO']\n");
    let typed = format!("unix:{}", cluster.path("typed.sock").display());
    cluster.start_and_wait(&["--broker", &typed]).await;
    assert_eq!(cluster.state()["broker"], typed);
    assert!(cluster.path("typed.sock").exists() && !cluster.path("own.sock").exists());
    cluster.edit("own.sock", "other.sock");
    cluster.signal(Signal::HUP);
    cluster.says("cluster.toml is read again; nothing that runs is concerned\n").await;
    fs::write(cluster.path("skyloom.toml"), "[default]\nbroker = 'nats://127.0.0.1:1'\nlease = '9s'\n").unwrap();
    cluster.signal(Signal::HUP);
    cluster.says("cluster.toml is read again and skyloom.toml changed; replacing hello\n").await;
    assert!(!cluster.screen().contains("takes a restart"), "{}", cluster.screen());
    let said = run(cluster.command(&["doctor", "--json", "--broker", &typed]), "").await;
    assert!(said.out.contains(&format!("{typed} answers")), "{}", said.out);
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());

    // A variable is for all that is run, and the file knows better.
    let file = cluster.path("cluster.toml");
    let out = cluster.path("units");
    let supervise = ["supervise", "systemd", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    fs::remove_file(cluster.path("skyloom.toml")).unwrap();
    for (flag, listens) in [(&[][..], cluster.path("other.sock")), (&["--broker", &typed], cluster.path("typed.sock"))]
    {
        let said = run(cluster.command(&[&supervise, flag].concat()), "").await;
        assert_eq!(said.code, 0, "{said:?}");
        let socket = fs::read_to_string(out.join("cluster-broker.socket")).unwrap();
        assert!(socket.contains(&format!("\nListenStream={}\n", listens.display())), "{socket}");
    }
}

#[tokio::test]
async fn cargo_is_configured_where_the_packages_are() {
    let cluster = apart();
    fs::create_dir(cluster.path(".cargo")).unwrap();
    fs::write(cluster.path(".cargo/config.toml"), "[build]\nrustflags = ['--cfg', 'of_the_workspace']\n").unwrap();
    let main = cluster.path("stock/src/main.rs");
    let text = fs::read_to_string(&main).unwrap();
    fs::write(&main, format!("#[cfg(not(of_the_workspace))]\ncompile_error!(\"without its configuration\");\n{text}"))
        .unwrap();
    let said = run(elsewhere(&cluster, &["supervise", "daemontools", TYPED, "--out", "svc"]), "").await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn what_a_supervisor_is_given_says_the_same_from_everywhere() {
    let cluster = apart();
    for kind in ["daemontools", "systemd"] {
        let there = run(elsewhere(&cluster, &["supervise", kind, TYPED, "--out", &format!("../{kind}.1")]), "").await;
        let mut here = cluster.command(&["supervise", kind, "cluster.toml", "--out", &format!("../{kind}.2")]);
        here.current_dir(cluster.path(FOLDER));
        let here = run(here, "").await;
        assert_eq!((there.code, here.code), (0, 0), "{there:?} {here:?}");
        let tree = |number: u32| tree(cluster.path(&format!("{kind}.{number}")));
        assert_eq!(tree(1), tree(2));
    }
    let (folder, out) = (cluster.path(FOLDER), ["--out", "my units"]);
    // What is to be typed can be typed as it is.
    for (kind, next) in
        [("systemd", "  cp 'my units'/cluster*.* /etc/"), ("daemontools", "next: svscan 'my units', or ")]
    {
        let said = run(elsewhere(&cluster, &[&["supervise", kind, TYPED], &out[..]].concat()), "").await;
        assert!(said.err.contains(next), "{}", said.err);
    }
    let run = fs::read_to_string(cluster.path("daemontools.1/hello.1/run")).unwrap();
    assert!(run.contains(&format!("'{}' '{}'\n", folder.display(), folder.join("bin/hello").display())), "{run}");
    let unit = fs::read_to_string(cluster.path("systemd.1/cluster-hello@.service")).unwrap();
    assert!(unit.contains(&format!("\nWorkingDirectory={}\n", folder.display())), "{unit}");
    assert!(unit.contains(&format!("\nExecStart=\"{}/bin/hello\"\n", folder.display())), "{unit}");
    let socket = fs::read_to_string(cluster.path("systemd.1/cluster-broker.socket")).unwrap();
    assert!(socket.contains(&format!("\nListenStream={}/run/b.sock\n", folder.display())), "{socket}");
}

/// The default place of the broker is another for each user, and who writes the files may not be who runs them.
#[tokio::test]
async fn under_daemontools_all_look_for_the_broker_in_the_place_of_who_runs_them() {
    let cluster = workspace("[broker]\n[services.hello]\ncommand = ['sh']\n");
    let mut sky = command();
    sky.args(["supervise", "daemontools", "cluster.toml", "--out", "svc"]).current_dir(cluster.path(""));
    sky.env("XDG_RUNTIME_DIR", cluster.path("runtime"));
    let said = run(sky, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let run = fs::read_to_string(cluster.path("svc/broker/run")).unwrap();
    assert!(run.ends_with("/sky broker --listen local:\n"), "{run}");
    assert_eq!(fs::read_to_string(cluster.path("svc/hello.1/env/SKYLOOM_BROKER")).unwrap(), "local:\n");
}

/// All files below a directory, with their texts.
fn tree(directory: PathBuf) -> Vec<(PathBuf, String)> {
    let (mut found, mut next) = (Vec::new(), vec![directory.clone()]);
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push((path.strip_prefix(&directory).unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_doctor_looks_where_the_processes_look() {
    let cluster = apart();
    fs::write(cluster.path(FOLDER).join("skyloom.toml"), "[default]\nlog = 'debug'\n").unwrap();
    let said = run(elsewhere(&cluster, &["doctor", TYPED, "--json"]), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let found = |check: &str| {
        let rows = said.json();
        let row = rows.as_array().unwrap().iter().find(|row| row["check"] == check).cloned().unwrap_or_default();
        row["found"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(found("cluster file"), format!("{TYPED}: broker, hello, orders, stock, gateway"));
    assert!(found("configuration").ends_with(" keys, 2 of them set"), "{said:?}");
    let socket = cluster.path(FOLDER).join("run/b.sock");
    assert_eq!(found("broker"), format!("no broker runs at unix:{}", socket.display()));
    fs::write(cluster.path(FOLDER).join("skyloom.toml"), "[default]\nlgo = 'debug'\n").unwrap();
    let said = run(elsewhere(&cluster, &["doctor", TYPED]), "").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("../a shop/skyloom.toml, line 2: "), "{}", said.out);
}
