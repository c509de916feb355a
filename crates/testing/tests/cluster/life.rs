//! How a process lives in the foreground, as supervisors want it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{fs::MetadataExt as _, fs::PermissionsExt as _, net::UnixDatagram, net::UnixListener},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    cluster::said,
    kit::{Process, Site, call, eventually, free_port, http, program, try_http},
};

/// Asks the greeter.
async fn greeted(site: &Site) -> String {
    let connection = site.connect().await;
    let message = json!({ "name": "Ada" });
    let reply = call(&connection, "greeter.v1", "Hello", message, Duration::from_secs(10)).await.unwrap();
    serde_json::from_slice::<Value>(&reply.payload).unwrap()["text"].as_str().unwrap().to_owned()
}

/// Runs `sky` on a site's broker.
fn sky(site: &Site, arguments: &[&str]) -> std::process::Output {
    Command::new(program("sky")).args(arguments).env("SKYLOOM_BROKER", &site.url).output().unwrap()
}

#[tokio::test]
async fn log_lines_are_json_unless_a_terminal_reads_them() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let greeter = site.service("greeter", &[]);
    site.connect_when(1).await;
    let line = greeter.said();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["fields"]["message"], "serving greeter.v1.Greeter");
}

#[tokio::test]
async fn under_the_journal_each_line_has_its_priority() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let path = site.path().join("journal");
    let journal = fs::File::create(&path).unwrap();
    let found = journal.metadata().unwrap();
    let mut greeter = Command::new(program("greeter"))
        .env("SKYLOOM_BROKER", &site.url)
        .env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino()))
        .stderr(journal)
        .spawn()
        .unwrap();
    site.connect_when(1).await;
    let lines = fs::read_to_string(&path).unwrap();
    greeter.kill().unwrap();
    greeter.wait().unwrap();
    assert!(lines.starts_with("<6>skyloom::app: serving greeter.v1.Greeter"), "{lines}");
}

#[tokio::test]
async fn hangup_takes_over_a_good_configuration_and_keeps_the_old_one_before_a_broken_one() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let file = site.path().join("own.toml");
    fs::write(&file, "[default]\nlog = \"info\"\n").unwrap();
    let mut greeter = site.service("greeter", &[("SKYLOOM_CONFIG", file.to_str().unwrap())]);
    site.connect_when(1).await;

    fs::write(&file, "[default]\nlog = \"skyloom_core=debug,info\"\ndrain = \"3s\"\nlease = \"9s\"\n").unwrap();
    greeter.signal(Signal::HUP);
    greeter
        .says("SIGHUP: taken over: log = skyloom_core=debug,info, drain = 3s; this takes a restart: lease = 9s", 1)
        .await;

    fs::write(&file, "[default]\nlog = \"info\"\nlaese = \"9s\"\n").unwrap();
    greeter.signal(Signal::HUP);
    greeter.says("SIGHUP: the configuration stays as it is, for the new one has a mistake: ", 1).await;
    let said = greeter.said();
    assert!(said.contains("line 3: there is no key \\\"laese\\\"; did you mean \\\"lease\\\"?"), "{said}");
    let instance = &list(&site)[0];
    let log = sky(&site, &["log", instance]);
    assert!(crate::cluster::said(&log).ends_with(" logs skyloom_core=debug,info\n"), "{}", crate::cluster::said(&log));
    assert_eq!(greeted(&site).await, "Hello, Ada!");

    // What takes a restart is said until it has been one, or is taken back.
    fs::write(&file, "[default]\nlease = \"9s\"\n").unwrap();
    greeter.signal(Signal::HUP);
    greeter.says("taken over: log = info, drain = 20s; this takes a restart: lease = 9s", 1).await;
    greeter.signal(Signal::HUP);
    greeter.says("SIGHUP: this takes a restart: lease = 9s", 1).await;
    fs::write(&file, "").unwrap();
    greeter.signal(Signal::HUP);
    greeter.says("SIGHUP: the configuration has been read anew; nothing in it has changed", 1).await;

    // What no process could start with is a mistake.
    for (line, what) in [
        ("broker = \"zzz\"", "broker: \\\"zzz\\\" names no broker: use local:, "),
        ("listen = \"nowhere\"", "listen: "),
    ] {
        fs::write(&file, format!("[default]\n{line}\n")).unwrap();
        greeter.signal(Signal::HUP);
        greeter.says(&format!("own.toml, line 2: {what}"), 1).await;
    }

    fs::remove_file(&file).unwrap();
    greeter.signal(Signal::HUP);
    greeter.says("the new one has a mistake: cannot read ", 1).await;
    greeter.terminated().await;
}

#[tokio::test]
async fn broker_and_gateway_keep_what_they_have_before_a_broken_configuration_too() {
    let site = Site::new();
    let (file, port) = (site.path().join("own.toml"), free_port());
    fs::write(&file, "").unwrap();
    let environment = [("SKYLOOM_BROKER", site.url.as_str()), ("SKYLOOM_CONFIG", file.to_str().unwrap())];
    let mut broker = Process::start("sky", &["broker"], &environment, site.path());
    let _greeter = site.service("greeter", &[]);
    site.connect_when(1).await;
    let listen = format!("127.0.0.1:{port}");
    let mut gateway = Process::start("gateway", &["--listen", &listen], &environment, site.path());
    let is_served = || async { try_http(port, "GET /v1/hello/Ada", None).is_some_and(|answer| answer.status == 200) };
    eventually("the gateway serves", is_served).await;
    for (name, process) in [("broker", &broker), ("gateway", &gateway)] {
        fs::write(&file, "[default]\nlog = \"debug\"\ndrian = \"3s\"\n").unwrap();
        process.signal(Signal::HUP);
        process.says("SIGHUP: the configuration stays as it is, for the new one has a mistake: ", 1).await;
        let said = process.said();
        assert!(said.contains("line 3: there is no key \\\"drian\\\"; did you mean \\\"drain\\\"?"), "{name}: {said}");
        assert!(is_served().await, "{name} is at work");
        assert!(!process.said().contains("\"DEBUG\""), "{name} logs as before: {}", process.said());
        fs::write(&file, "[default]\nlog = \"debug\"\ndrain = \"3s\"\n").unwrap();
        process.signal(Signal::HUP);
        process.says("SIGHUP: taken over: log = debug, drain = 3s", 1).await;
    }
    assert!(is_served().await);
    gateway.terminated().await;
    broker.terminated().await;
}

fn list(site: &Site) -> Vec<String> {
    let instances: Value = serde_json::from_slice(&sky(site, &["instances", "--json"]).stdout).unwrap();
    instances.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_operator_changes_what_an_instance_logs() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut greeter = site.service("greeter", &[]);
    site.connect_when(1).await;
    let instance = list(&site)[0].clone();
    let short = instance[..8].to_owned();
    let log = |level: &[&str]| said(&sky(&site, &[&["log", &short], level].concat()));
    assert_eq!(log(&[]), format!("sky: {short} logs info\n"));
    assert_eq!(log(&["warn"]), format!("sky: {short} logs warn; it was info\n"));
    assert!(greeter.said().contains("an operator changes what is logged"), "{}", greeter.said());
    assert_eq!(log(&["debgu"]), "sky: \"debgu\" is no level to log; did you mean \"debug\"?\n");
    let as_json = sky(&site, &["log", &short, "trace", "--json"]);
    let as_json: Value = serde_json::from_slice(&as_json.stdout).unwrap();
    assert_eq!(as_json, json!({ "instance": instance, "before": "warn", "now": "trace" }));
    // A line that it would not have had before.
    greeter.terminated().await;
    assert!(greeter.said().contains("\"draining\""), "{}", greeter.said());
}

/// How a program ends, and what it says.
async fn ends(command: Command, name: &str, directory: &Path) -> (i32, String) {
    let mut process = Process::run(command, name, directory);
    let status = process.ended().await;
    (status.code().unwrap(), process.said())
}

#[tokio::test]
async fn the_exit_code_says_whether_to_try_again() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = format!("unix:{}/none.sock", directory.path().display());
    let ended = |name: &'static str, arguments: &[&str], broker: &str| {
        let mut command = Command::new(program(name));
        command.args(arguments).env("SKYLOOM_BROKER", broker);
        ends(command, name, directory.path())
    };
    for (name, arguments) in [("greeter", &[][..]), ("gateway", &[]), ("sky", &["gateway", "--port", "1"])] {
        let (code, said) = ended(name, arguments, &nobody).await;
        assert_eq!(code, 111, "{name}: {said}");
        assert!(said.contains("no broker at unix:"), "{name}: {said}");
    }
    for (name, arguments) in [
        ("greeter", &["--lease", "2x"][..]),
        ("gateway", &["--listen", "here"]),
        ("gateway", &["--listen", "0.0.0.0:0"]),
        ("sky", &["gateway", "--listen", "x"]),
    ] {
        let (code, said) = ended(name, arguments, &nobody).await;
        assert_eq!(code, 2, "{name}: {said}");
    }
    let (code, said) = ended("greeter", &[], "natz://x").await;
    assert_eq!(code, 2, "{said}");

    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let (code, said) = ended("sky", &["broker"], &site.url).await;
    assert_eq!(code, 111, "{said}");
    assert!(said.contains("another broker is listening on "), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = ended("sky", &["gateway", "--port", &port], &site.url).await;
    assert_eq!(code, 111, "{said}");
    let (code, said) = ended("sky", &["gateway", "--listen", "0.0.0.0:0"], &site.url).await;
    assert_eq!(code, 2, "{said}");
}

/// A supervisor that hears what a process tells it.
struct Supervisor(UnixDatagram, PathBuf);

impl Supervisor {
    fn new(site: &Site) -> Self {
        let path = site.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket, path)
    }

    fn hears(&self) -> String {
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).expect("the process tells its supervisor something");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// The next message that is more than a sign of life.
    fn hears_news(&self) -> String {
        loop {
            let message = self.hears();
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn each_process_tells_its_supervisor_how_it_is() {
    let site = Site::new();
    let supervisor = Supervisor::new(&site);
    let port = free_port().to_string();
    let notify = supervisor.1.to_str().unwrap();
    let environment = [("NOTIFY_SOCKET", notify), ("WATCHDOG_USEC", "100000"), ("SKYLOOM_BROKER", site.url.as_str())];
    let broker = Process::start("sky", &["broker"], &environment, site.path());
    assert_eq!(supervisor.hears_news(), format!("READY=1\nSTATUS=listening on {}\n", site.url));
    drop(broker);
    let mut broker = site.broker(&[]);
    for (name, arguments, status) in [
        ("greeter", &[][..], "serving greeter.v1.Greeter".to_owned()),
        ("gateway", &["--listen", &format!("127.0.0.1:{port}")], format!("listening on 127.0.0.1:{port}")),
    ] {
        site.connect().await;
        let mut process = Process::start(name, arguments, &environment, site.path());
        assert_eq!(supervisor.hears_news(), format!("READY=1\nSTATUS={status}\n"));
        while supervisor.hears() != "WATCHDOG=1\n" {}
        process.signal(Signal::HUP);
        let reloading = supervisor.hears_news();
        let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
        assert!(at.trim_end().parse::<u64>().unwrap() > 0);
        assert_eq!(supervisor.hears_news(), "READY=1\n");
        process.signal(Signal::TERM);
        assert_eq!(supervisor.hears_news(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000\nSTATUS=draining\n");
        assert!(process.ended().await.success());
    }
    broker.terminated().await;
}

#[tokio::test]
async fn a_process_that_hangs_gives_no_sign_of_life() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let supervisor = Supervisor::new(&site);
    let environment = [("NOTIFY_SOCKET", supervisor.1.to_str().unwrap()), ("WATCHDOG_USEC", "100000")];
    let greeter = site.service("greeter", &environment);
    while supervisor.hears() != "WATCHDOG=1\n" {}
    greeter.signal(Signal::STOP);
    supervisor.0.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // What was on its way when it stopped.
    let mut message = [0; 64];
    let heard = (0..100).take_while(|_| supervisor.0.recv(&mut message).is_ok()).count();
    assert!(heard < 100, "a stopped process goes on giving signs of life");
    greeter.signal(Signal::CONT);
    supervisor.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(supervisor.hears(), "WATCHDOG=1\n");
}

/// A command with a listening socket as the first that a supervisor hands over.
fn handing(socket: OwnedFd, line: &str) -> Command {
    let mut command = Command::new("sh");
    let line = format!("LISTEN_PID=$$ LISTEN_FDS=1 exec {line} 3<&0 0</dev/null");
    command.args(["-c", &line]).stdin(Stdio::from(socket));
    command
}

#[tokio::test]
async fn sockets_that_a_supervisor_hands_over_are_used_and_stay() {
    let site = Site::new();
    let path = site.path().join("handed.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let url = format!("unix:{}", path.display());
    let sky = program("sky").display().to_string();
    let handed = || socket.as_fd().try_clone_to_owned().unwrap();

    let (code, open) = ends(handing(handed(), &format!("{sky} broker")), "open", site.path()).await;
    assert!(code == 1 && open.contains("write SocketMode=0600 into its socket unit"), "{code}: {open}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut broker = Process::run(handing(handed(), &format!("{sky} broker")), "broker", site.path());
    let mut greeter = Process::start("greeter", &[], &[("SKYLOOM_BROKER", &url)], site.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let line = format!("{} --broker {url} --listen 127.0.0.1:1", program("gateway").display());
    let gateway = || Process::run(handing(listener.try_clone().unwrap().into(), &line), "gateway", site.path());
    let mut first = gateway();
    eventually("the greeter answers", || async { http(port, "GET /v1/hello/Ada", None).status == 200 }).await;
    first.terminated().await;
    // Nobody is refused: this waits in the socket for the next process.
    let waiting = tokio::task::spawn_blocking(move || try_http(port, "GET /v1/hello/Ada", None));
    let mut second = gateway();
    assert_eq!(waiting.await.unwrap().expect("the connection is taken").status, 200);
    second.terminated().await;
    greeter.terminated().await;
    broker.terminated().await;
    assert!(path.exists(), "the socket is the supervisor's");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let port = free_port();
    let mut gateway = Command::new(program("gateway"))
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .env("SKYLOOM_BROKER", &site.url)
        .env("SKYLOOM_LOG", "debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the gateway listens", || async { try_http(port, "GET /healthz", None).is_some() }).await;
    // Each request is a line of some 200 bytes; a pipe holds 64 KiB.
    for _ in 0..500 {
        assert_eq!(http(port, "GET /healthz", None).status, 200);
    }
    kill_process(Pid::from_child(&gateway), Signal::TERM).unwrap();
    let mut lines = BufReader::new(gateway.stderr.take().unwrap());
    let mut said = String::new();
    lines.read_line(&mut said).unwrap();
    lines.read_to_string(&mut said).unwrap();
    assert!(gateway.wait().unwrap().success());
    assert!(said.contains(" log lines were lost, because nobody read standard error"), "{} bytes", said.len());
}

#[tokio::test]
async fn a_panic_is_a_line_of_the_log_and_waits_for_nobody_who_reads_it() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut service = Command::new(program("faulty"))
        .env("SKYLOOM_BROKER", &site.url)
        .env("RUST_BACKTRACE", "0")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let connection = site.connect_when(1).await;
    // Each is five panics with two lines of some 300 bytes each; a pipe holds 64 KiB.
    for _ in 0..60 {
        let panics = call(&connection, "faulty.v1", "Panic", json!({}), Duration::from_secs(10)).await;
        let status = panics.expect_err("it panics each time");
        assert!(status.message().contains("told to panic"), "{status}");
    }
    call(&connection, "faulty.v1", "Slow", json!({}), Duration::from_secs(10)).await.expect("it goes on");
    kill_process(Pid::from_child(&service), Signal::TERM).unwrap();
    let mut said = String::new();
    service.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(service.wait().unwrap().success());
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let panics: Vec<_> = lines.filter(|line| line["fields"]["message"] == "panicked: told to panic").collect();
    let place = panics[0]["fields"]["place"].as_str().unwrap();
    assert!(place.contains("faulty.rs:"), "{place}");
    assert!(!said.contains("\nthread '"), "nothing is written beside the log");
}

#[test]
fn a_program_tells_its_version_and_its_flags() {
    for name in ["greeter", "links", "gateway"] {
        let run = |flag: &str| Command::new(program(name)).arg(flag).output().unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("{name} {version} (skyloom {version})\n");
        assert_eq!(String::from_utf8_lossy(&run("--version").stdout), expected);
        let help = run("--help");
        assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("\n  --lease "), "{help:?}");
    }
}

#[tokio::test]
async fn a_daemon_with_a_loop_of_its_own_says_that_it_is_ready_or_ends_well() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let run = |what: &str| {
        let mut program = Command::new(program("own_loop"));
        program.args(["--daemon", "--pidfile", "own.pid"]).env("OWN_LOOP", what).env("SKYLOOM_BROKER", &site.url);
        program.current_dir(site.path()).output().unwrap()
    };
    let ended = run("nothing");
    assert!(ended.status.success(), "{}", said(&ended));
    let pidfile = site.path().join("own.pid");
    eventually("it has taken its pidfile away", || async { !pidfile.exists() }).await;

    let started = run("serve");
    assert!(started.status.success(), "{}", said(&started));
    site.connect_when(1).await;
    let number = || fs::read_to_string(&pidfile).ok()?.trim().parse::<i32>().ok();
    eventually("the pidfile is written", || async { number().is_some() }).await;
    kill_process(Pid::from_raw(number().unwrap()).unwrap(), Signal::TERM).unwrap();
    eventually("it has drained", || async { !pidfile.exists() }).await;
}

#[tokio::test]
async fn a_daemon_has_a_pidfile_or_says_why_not() {
    let site = Site::new();
    let socket = site.path().join("broker.sock");
    let run = |arguments: &[&str]| {
        Command::new(program("sky"))
            .args([&["broker", "--daemon"], arguments].concat())
            .env("SKYLOOM_BROKER", &site.url)
            .current_dir(site.path())
            .output()
            .unwrap()
    };
    let nowhere = run(&["--pidfile", "/proc/none/sky.pid"]);
    assert_eq!(nowhere.status.code(), Some(2));
    let sentence = said(&nowhere);
    assert!(sentence.starts_with("sky: cannot write the pidfile /proc/none/sky.pid: "), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    assert!(!socket.exists());

    // What goes wrong in the background is said in the foreground.
    let exposed = run(&["--listen", "tcp://0.0.0.0:1", "--pidfile", "sky.pid"]);
    assert!(!exposed.status.success());
    assert!(said(&exposed).starts_with("sky: ") && said(&exposed).contains("0.0.0.0:1"), "{}", said(&exposed));
    let pidfile = site.path().join("sky.pid");
    assert!(!pidfile.exists(), "whoever has heard why can start it again at once");

    let started = run(&["--pidfile", "sky.pid", "--logfile", "sky.log"]);
    assert!(started.status.success(), "{}", said(&started));
    assert!(socket.exists(), "whoever has started it can use it at once");
    let number = || fs::read_to_string(&pidfile).ok()?.trim().parse::<i32>().ok();
    eventually("the pidfile is written", || async { number().is_some() }).await;
    let pid = Pid::from_raw(number().unwrap()).unwrap();
    let taken = run(&[]);
    assert!(!taken.status.success() && said(&taken).contains("broker.sock"), "{}", said(&taken));
    let again = run(&["--pidfile", "sky.pid"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        said(&again).contains(&format!("(process {}); stop that one first", pid.as_raw_nonzero())),
        "{}",
        said(&again)
    );
    kill_process(pid, Signal::TERM).unwrap();
    eventually("the daemon has taken its pidfile away", || async { !pidfile.exists() }).await;
    let log = fs::read_to_string(site.path().join("sky.log")).unwrap();
    assert!(log.contains("the broker has stopped"), "{log}");
}

#[tokio::test]
async fn of_two_daemons_that_start_at_once_one_says_why_not() {
    let site = Site::new();
    let pidfile = site.path().join("sky.pid");
    for _ in 0..10 {
        let start = || {
            Command::new(program("sky"))
                .args(["broker", "--daemon", "--pidfile", "sky.pid"])
                .env("SKYLOOM_BROKER", &site.url)
                .current_dir(site.path())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let both = [start(), start()].map(|one| one.wait_with_output().unwrap());
        let refused: Vec<_> = both.iter().filter(|one| !one.status.success()).map(said).collect();
        let [why] = refused.as_slice() else { panic!("{refused:?}") };
        let named = why.starts_with("sky: the pidfile sky.pid is locked by a process that runs (process ");
        assert!(named && why.ends_with("); stop that one first\n") && why.lines().count() == 1, "{why}");
        let number = fs::read_to_string(&pidfile).expect("the one that runs has it").trim().parse().unwrap();
        kill_process(Pid::from_raw(number).unwrap(), Signal::TERM).unwrap();
        eventually("it has ended", || async { !pidfile.exists() }).await;
    }
}
