//! The example cluster under daemontools.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    cluster::said,
    kit::{Site, eventually, free_port, http, program, root, try_http},
};

/// The example cluster, run by svscan in a private directory; ended with the test.
struct Scanned {
    site: Site,
    port: u16,
    svscan: Child,
}

impl Scanned {
    fn new() -> Self {
        let (site, port) = (Site::new(), free_port());
        let example = fs::read_to_string(root().join("services/cluster.toml")).unwrap();
        let own = example.replace("[broker]", &format!("[broker]\nlisten = \"{}\"", site.url));
        let own = own.replace("port = 8080", &format!("port = {port}"));
        let file = site.path().join("cluster.toml");
        fs::write(&file, own).unwrap();
        let written = Command::new(program("sky"))
            .args(["supervise", "daemontools", file.to_str().unwrap(), "--out", "service"])
            .current_dir(site.path())
            .output()
            .unwrap();
        assert!(written.status.success(), "{}", said(&written));
        assert_eq!(
            said(&written),
            "sky: 6 service directories are in service; next: svscan service, or link each into /service\n"
        );
        let mut svscan = Command::new("svscan");
        svscan.arg(site.path().join("service")).current_dir(site.path()).stdin(Stdio::null()).stderr(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKYLOOM_")) {
            svscan.env_remove(name);
        }
        let svscan = svscan.spawn().expect("daemontools is installed (Debian: apt-get install daemontools)");
        Self { site, port, svscan }
    }

    fn service(&self, name: &str) -> PathBuf {
        self.site.path().join("service").join(name)
    }

    fn svc(&self, flag: &str, name: &str) {
        assert!(Command::new("svc").arg(flag).arg(self.service(name)).status().unwrap().success());
    }

    /// What svstat says of a service, without its path.
    fn state(&self, name: &str) -> String {
        let path = self.service(name);
        let said = said(&Command::new("svstat").arg(&path).output().unwrap());
        said.trim_start_matches(&format!("{}: ", path.display())).to_owned()
    }

    /// A service's process.
    fn process(&self, name: &str) -> Option<u32> {
        self.state(name).strip_prefix("up (pid ")?.split(')').next()?.parse().ok()
    }

    /// What multilog has kept of a service, without the time stamps.
    fn log(&self, name: &str) -> String {
        let kept = fs::read_to_string(self.service(name).join("log/main/current")).unwrap_or_default();
        kept.lines().filter_map(|line| Some(line.strip_prefix('@')?.split_once(' ')?.1.to_owned() + "\n")).collect()
    }

    async fn logs(&self, name: &str, what: &str) {
        eventually(&format!("{name} logs {what:?}"), || async { self.log(name).contains(what) }).await;
    }

    fn hello(&self) -> Option<u16> {
        try_http(self.port, "GET /v1/hello/Ada", None).map(|response| response.status)
    }
}

impl Drop for Scanned {
    fn drop(&mut self) {
        drop(self.svscan.kill());
        drop(self.svscan.wait());
        // The supervisors outlive svscan: each service and its log is told to end for good.
        let names = ["gateway", "links.1", "greeter.1", "qr.1", "audit.1", "broker"];
        let all: Vec<_> = names.iter().flat_map(|name| [self.service(name), self.service(name).join("log")]).collect();
        drop(Command::new("svc").arg("-dx").args(&all).status());
        let run = |path: &PathBuf| !Command::new("svok").arg(path).status().is_ok_and(|status| status.success());
        for _ in 0..600 {
            if all.iter().all(run) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        eprintln!("not every supervisor has ended");
    }
}

/// A service that svscan runs as another user; ended with the test.
struct Private {
    site: Site,
    svscan: Child,
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.svscan.kill());
        drop(self.svscan.wait());
        let service = self.site.path().join("service/idle.1");
        drop(Command::new("svc").arg("-dx").args([&service, &service.join("log")]).status());
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[tokio::test]
async fn a_process_of_another_user_has_a_log() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root runs processes as another user");
        return;
    }
    let site = Site::new();
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = site.path().join("cluster.toml");
    let idle = "command = [\"sh\", \"-c\", \"echo is here; exec sleep 600\"]";
    fs::write(&file, format!("[services.idle]\n{idle}\n")).unwrap();
    let mut sky = Command::new(program("sky"));
    sky.args(["supervise", "daemontools", file.to_str().unwrap(), "--out", "service", "--user", "daemon"]);
    let written = sky.env("SKYLOOM_BROKER", &site.url).current_dir(site.path()).output().unwrap();
    assert!(written.status.success(), "{}", said(&written));
    let mut svscan = Command::new("svscan");
    svscan.arg(site.path().join("service")).current_dir(site.path()).stdin(Stdio::null()).stderr(Stdio::null());
    let svscan = svscan.spawn().expect("daemontools is installed (Debian: apt-get install daemontools)");
    let cluster = Private { site, svscan };
    let log = cluster.site.path().join("service/idle.1/log/main/current");
    let logged = || async { fs::read_to_string(&log).is_ok_and(|text| text.contains("is here")) };
    eventually("what it says is logged", logged).await;
}

/// Writes the directories of a cluster file into `service`; what was said.
fn directories(site: &Site, cluster: &str) -> String {
    fs::write(site.path().join("cluster.toml"), cluster).unwrap();
    let mut sky = Command::new(program("sky"));
    sky.args(["supervise", "daemontools", "cluster.toml", "--out"]).arg(site.path().join("service"));
    sky.env("SKYLOOM_BROKER", "nats://127.0.0.1:4222").current_dir(site.path());
    let written = sky.output().unwrap();
    assert!(written.status.success(), "{}", said(&written));
    said(&written)
}

#[test]
fn what_runs_with_what_has_changed_is_named() {
    let site = Site::new();
    let cluster = |level: &str, env: &str| {
        format!("[services.qr]\ncommand = ['sh', '{level}']\n[services.links]\ncommand = ['sh']\nenv = {env}\n")
    };
    let restart = |cluster: &str| {
        let said = directories(&site, cluster);
        said.lines().find_map(|line| Some(line.split_once("what has changed takes a restart: svc -t ")?.1.to_owned()))
    };
    let service = |name: &str| site.path().join("service").join(name);
    assert_eq!(restart(&cluster("info", "{ TOKEN = 'a', LEVEL = '1' }")), None);
    assert_eq!(restart(&cluster("debug", "{ TOKEN = 'a', LEVEL = '1' }")), None, "it has never run");
    // Whatever has run has a directory `supervise`.
    ["qr.1", "links.1", "links.1/log"].iter().for_each(|name| fs::create_dir(service(name).join("supervise")).unwrap());
    assert_eq!(restart(&cluster("debug", "{ TOKEN = 'a', LEVEL = '1' }")), None, "nothing has changed");
    let qr = service("qr.1").display().to_string();
    assert_eq!(restart(&cluster("info", "{ TOKEN = 'a', LEVEL = '1' }")), Some(qr));
    let links = service("links.1").display().to_string();
    assert_eq!(restart(&cluster("info", "{ TOKEN = 'b', LEVEL = '1' }")), Some(links.clone()), "a variable is another");
    assert_eq!(restart(&cluster("info", "{ TOKEN = 'b' }")), Some(links.clone()), "a variable has gone");
    assert_eq!(restart(&cluster("info", "{ TOKEN = 'b', NEW = '1' }")), Some(links), "a variable has come");
    let run = fs::read_to_string(service("qr.1/run")).unwrap();
    assert!(run.contains("\nulimit -n 65536 2>/dev/null\n"), "{run}");
}

#[test]
fn a_secret_among_the_arguments_is_named_with_its_place() {
    let site = Site::new();
    let said = directories(&site, "[services.qr]\ncommand = ['sh', '--token', 'hunter2']\ninstances = 2\n");
    let sentence = "sky: qr: --token is a secret among its arguments, and everybody may read qr.1/run; give it in env: \
                    that is written to qr.1/env, for its owner alone";
    assert_eq!(said.lines().filter(|line| *line == sentence).count(), 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_the_cluster_has_no_more_is_removed_unless_it_may_run() {
    let site = Site::new();
    let out = site.path().join("service");
    let write = |services: &[(&str, &str)]| {
        let text: Vec<_> =
            services.iter().map(|(name, env)| format!("[services.{name}]\ncommand = ['sh']\nenv = {env}\n")).collect();
        directories(&site, &text.concat())
    };
    let said = write(&[("qr", "{ TOKEN = 'x', LEVEL = '1' }"), ("old", "{ TOKEN = 'x' }"), ("running", "{}")]);
    assert!(!said.contains("any more"), "{said}");
    // Whatever has run has a directory `supervise`.
    fs::create_dir(out.join("running.1/supervise")).unwrap();
    fs::create_dir(out.join("mine")).unwrap();
    fs::write(out.join("mine/run"), "#!/bin/sh\n").unwrap();

    let said = write(&[("qr", "{ LEVEL = '1' }")]);
    let shown = out.display();
    for line in [
        format!("sky: {shown}/qr.1/env/TOKEN is no variable of the cluster file, and is removed"),
        format!("sky: {shown}/old.1 is no part of the cluster any more, has never run, and is removed"),
        format!(
            "sky: {shown}/running.1 is no part of the cluster any more: hide it from svscan (mv {shown}/running.1 \
             {shown}/.running.1, or remove its link in /service), end it (svc -dx {shown}/.running.1 \
             {shown}/.running.1/log), and remove it when its log is not needed"
        ),
    ] {
        assert!(said.lines().any(|found| found == line), "{line}\nis missing from\n{said}");
    }
    let mut left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["mine", "qr.1", "running.1"]);
    assert!(out.join("qr.1/env/LEVEL").exists() && !out.join("qr.1/env/TOKEN").exists());
}

#[tokio::test]
async fn the_example_cluster_lives_under_daemontools() {
    let cluster = Scanned::new();
    eventually("the greeter answers through the gateway", || async { cluster.hello() == Some(200) }).await;
    let link = http(cluster.port, "POST /v1/links", Some(r#"{"url":"https://www.rust-lang.org/learn"}"#));
    assert_eq!(link.status, 200, "{}", link.text());

    // multilog's file: a time stamp, and the process's own line.
    cluster.logs("greeter.1", "serving greeter.v1.Greeter").await;
    for line in cluster.log("greeter.1").lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }

    // svc -d: it drains and stays down; svc -u: it is back.
    cluster.svc("-d", "greeter.1");
    cluster.logs("greeter.1", "\"drained\"").await;
    eventually("svstat says down", || async { cluster.state("greeter.1").starts_with("down ") }).await;
    eventually("the gateway knows", || async { cluster.hello() == Some(503) }).await;
    cluster.svc("-u", "greeter.1");
    eventually("the greeter is back", || async { cluster.hello() == Some(200) }).await;

    // kill -9: supervise starts another.
    let killed = cluster.process("qr.1").expect("qr runs");
    assert!(Command::new("kill").args(["-9", &killed.to_string()]).status().unwrap().success());
    eventually("another qr runs", || async { cluster.process("qr.1").is_some_and(|pid| pid != killed) }).await;
    let code = link.json()["code"].as_str().unwrap().to_owned();
    eventually("its work goes on", || async {
        http(cluster.port, &format!("GET /v1/links/{code}/qr"), None).status == 200
    })
    .await;

    // svc -h: the configuration is read anew.
    cluster.svc("-h", "greeter.1");
    cluster.logs("greeter.1", "SIGHUP: the configuration has been read anew; nothing in it has changed").await;

    // svc -a: the gateway is replaced behind its socket.
    cluster.svc("-a", "gateway");
    cluster.logs("gateway", "the new program is ready, and the old one drains").await;
    assert_eq!(cluster.hello(), Some(200));

    // svc -t on the broker: a planned restart, after which everybody is back.
    let broker = cluster.process("broker").expect("the broker runs");
    cluster.svc("-t", "broker");
    eventually("another broker runs", || async { cluster.process("broker").is_some_and(|pid| pid != broker) }).await;
    eventually("the greeter answers again", || async { cluster.hello() == Some(200) }).await;
}
