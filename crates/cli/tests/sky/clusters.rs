//! `sky up`: clusters of real processes.

use std::{
    fs,
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    ground::{run, until},
    site::{Cluster, free_port, pid},
};

const WHOLE: &str = "[broker]\n[gateway]\nport = PORT\n[services.hello]\ncommand = ['HELLO']\ninstances = 2\n";

#[tokio::test]
async fn a_cluster_starts_serves_and_stops_in_order() {
    let mut cluster = Cluster::new(WHOLE);
    cluster.start_and_wait(&[]).await;
    let state = cluster.state();
    assert_eq!(state["broker"], cluster.url());
    assert_eq!(state["gateway"], format!("http://127.0.0.1:{}", cluster.port));
    let answer = cluster.get("/v1/hello/Ada");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Hello, Ada!"), "{answer}");
    let pids: Vec<Pid> = state["processes"].as_array().unwrap().iter().filter_map(pid).collect();
    assert_eq!(pids.len(), 4);

    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
    for pid in pids {
        assert!(test_kill_process(pid).is_err(), "{pid:?} was left behind");
    }
    assert!(!cluster.path("run/state.json").exists());
    assert!(!cluster.path("b.sock").exists());
    let screen = cluster.screen();
    let at = |what: &str| screen.find(what).unwrap_or_else(|| panic!("no {what:?} in:\n{screen}"));
    assert!(at("broker is started") < at("hello.1 is started") && at("hello.2 is started") < at("gateway is started"));
    assert!(at("gateway is started") < at("ready after") && at("ready after") < at("gateway ended"));
    assert!(at("gateway ended") < at("hello.1 ended") && at("hello.2 ended") < at("broker ended"));
    assert!(fs::read_to_string(cluster.path("run/logs/hello.log")).unwrap().contains("hello.2 | "));
}

#[tokio::test]
async fn a_screen_that_stands_still_holds_up_neither_the_processes_nor_the_end() {
    let talk = "yes 'a line of which there are very many' | head -n 6000; echo that is all; exec sleep 600";
    let mut cluster = Cluster::new(&format!("[broker]\n[services.talker]\ncommand = ['sh', '-c', \"{talk}\"]\n"));
    let mut sky = cluster.command(&["up", "cluster.toml", "--dir", "run"]);
    cluster.up = Some(sky.stderr(Stdio::piped()).spawn().unwrap());
    // A pipe holds 64 KiB, and nobody reads this one.
    let log = cluster.path("run/logs/talker.log");
    until("all lines", || fs::read_to_string(&log).is_ok_and(|text| text.ends_with("that is all\n"))).await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0));
}

#[tokio::test]
async fn what_a_service_logs_is_changed_in_all_of_its_instances() {
    let mut cluster = Cluster::new(WHOLE);
    cluster.start_and_wait(&[]).await;
    let log = async |arguments: &[&str]| run(cluster.command(&[&["log"], arguments].concat()), "").await;
    let said = log(&["greeter.v1.Greeter", "debug"]).await;
    assert_eq!((said.code, said.err.matches(" logs debug; it was info\n").count()), (0, 2), "{said:?}");
    let rows = log(&["greeter.v1", "--json"]).await.json();
    let rows = rows.as_array().unwrap().clone();
    assert_eq!(rows.iter().map(|row| &row["now"]).collect::<Vec<_>>(), ["debug", "debug"]);
    for row in &rows {
        let short = &row["instance"].as_str().unwrap()[..8];
        assert!(said.err.contains(&format!("sky: {short} logs debug; it was info\n")), "{said:?}");
    }
    // One of them, and each tells its own.
    let one = rows[0]["instance"].as_str().unwrap();
    assert_eq!(log(&[one, "warn"]).await.err, format!("sky: {} logs warn; it was debug\n", &one[..8]));
    let said = log(&["greeter.v1"]).await;
    assert!(said.err.contains(" logs warn\n") && said.err.contains(" logs debug\n"), "{said:?}");
    let said = log(&["greter.v1", "debug"]).await;
    assert_eq!(said.sentence(1), "no service \"greter.v1\" is registered; did you mean greeter.v1?");
    // One that is gone without a word does not keep the others from being changed.
    let frozen = pid(&cluster.process("hello.1")).unwrap();
    kill_process(frozen, Signal::STOP).unwrap();
    let said = log(&["greeter.v1", "error"]).await;
    kill_process(frozen, Signal::CONT).unwrap();
    assert_eq!((said.code, said.err.matches(" logs error; it was ").count()), (1, 1), "{said:?}");
    assert!(said.err.ends_with("sky: 1 of 2 instances of greeter.v1 did not answer\n"), "{said:?}");
}

#[tokio::test]
async fn a_process_that_is_killed_is_started_anew() {
    let mut cluster = Cluster::new(WHOLE);
    cluster.start_and_wait(&[]).await;
    for name in ["hello.1", "gateway", "broker"] {
        let before = pid(&cluster.process(name)).unwrap();
        kill_process(before, Signal::KILL).unwrap();
        until(name, || {
            let process = cluster.process(name);
            process["ready"] == true && process["starts"] == 2 && pid(&process) != Some(before)
        })
        .await;
        assert!(cluster.screen().contains(&format!("{name} was ended by signal 9 (SIGKILL); it is started anew in ")));
    }
    until("everything to be ready again", || cluster.state()["ready"] == true).await;
    until("the gateway to reach the service", || cluster.get("/v1/hello/Ada").starts_with("HTTP/1.1 200")).await;
    let said = run(cluster.command(&["call", "greeter.v1/Hello", r#"{"name":"Ada"}"#]), "").await;
    assert_eq!(said.json()["text"], "Hello, Ada!");
    cluster.signal(Signal::INT);
    assert_eq!(cluster.ended().await, Some(0));
}

#[tokio::test]
async fn an_instance_that_is_drained_comes_back() {
    let mut cluster = Cluster::new("[broker]\n[services.hello]\ncommand = ['HELLO']\n");
    cluster.start_and_wait(&[]).await;
    let instances = run(cluster.command(&["instances", "--json"]), "").await.json();
    let said = run(cluster.command(&["drain", "--wait", instances[0]["id"].as_str().unwrap()]), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    until("the next one", || cluster.process("hello.1")["starts"] == 2 && cluster.state()["ready"] == true).await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0));
}

#[tokio::test]
async fn a_second_ctrl_c_kills_what_does_not_stop() {
    // It ignores SIGTERM, and holds up the start of the one that waits for it.
    let file = "[broker]\n[services.stubborn]\ncommand = ['sh', '-c', \"trap '' TERM; echo deaf; while :; do sleep 1; done\"]\n\
                [services.patient]\ncommand = ['sh', '-c', 'echo never']\nafter = ['stubborn']\n";
    let mut cluster = Cluster::new(file);
    cluster.start(&[]);
    until("the stubborn one", || cluster.screen().contains("stubborn.1 | deaf")).await;
    until("its state", || pid(&cluster.process("stubborn.1")).is_some()).await;
    let stubborn = pid(&cluster.process("stubborn.1")).unwrap();
    cluster.signal(Signal::INT);
    until("the drain", || cluster.screen().contains("Ctrl-C again kills at once")).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(test_kill_process(stubborn).is_ok(), "it was given its time");
    cluster.signal(Signal::INT);
    assert_eq!(cluster.ended().await, Some(0));
    assert!(test_kill_process(stubborn).is_err());
    assert!(!cluster.screen().contains("patient.1 | never"));
}

#[tokio::test]
async fn a_process_that_ends_again_and_again_is_reported_and_retried() {
    let mut cluster = Cluster::new("[broker]\n[services.broken]\ncommand = ['sh', '-c', 'echo oh no; exit 3']\n");
    cluster.start(&[]);
    let last = "broken.1 ended with exit code 3, for the 5th time in a row, each time soon after its start. From now on it is tried";
    until("the report", || cluster.screen().contains(last)).await;
    until("it to be tried again", || cluster.process("broken.1")["starts"].as_u64() >= Some(7)).await;
    let screen = cluster.screen();
    assert!(screen.contains("Its last lines:\n    oh no\n"), "{screen}");
    assert!(screen.contains("broken.1 ended with exit code 3; it is started anew in "), "{screen}");
    // Each of the first five starts is shown, and no more.
    for line in ["broken.1 | oh no\n", "broken.1 is started, pid "] {
        assert_eq!(screen.matches(line).count(), 5, "{line}: {screen}");
    }
    until("its last lines in the state", || cluster.process("broken.1")["last_lines"][0] == "oh no").await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0));
}

#[tokio::test]
async fn what_is_in_the_way_is_said_at_once() {
    let mut cluster = Cluster::new(WHOLE);
    // Nobody but this process has the socket.
    let taken = TcpListener::bind(("127.0.0.1", cluster.port)).unwrap();
    let mut holder = Command::new("sleep").arg("600").stdin(OwnedFd::from(taken)).spawn().unwrap();
    let said = cluster.refused(&[]).await;
    holder.kill().unwrap();
    holder.wait().unwrap();
    let expected = format!(
        "port {} of 127.0.0.1 is taken by sleep (pid {}): end what listens there, or choose another with --port",
        cluster.port,
        holder.id()
    );
    assert_eq!(said.sentence(1), expected);

    cluster.start_and_wait(&[]).await;
    let said = cluster.refused(&["--dir", "run"]).await;
    let up = cluster.up.as_ref().unwrap().id();
    assert!(said.sentence(1).starts_with(&format!("a cluster is already running in run (pid {up})")), "{said:?}");
    // Started twice, it is the cluster that is in the way, and not its port.
    for more in [&[][..], &["--port", &free_port().to_string()]] {
        let said = cluster.refused(more).await;
        let start = format!("a broker is already running on {}: end the cluster", cluster.url());
        assert!(said.sentence(1).starts_with(&start), "{said:?}");
    }
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0));
}

#[tokio::test]
async fn of_two_that_are_started_at_once_one_runs_and_the_other_says_that_it_does() {
    for _ in 0..3 {
        let cluster = Cluster::new("[broker]\n");
        let start = |screen: &str| {
            let log = fs::File::create(cluster.path(screen)).unwrap();
            cluster.command(&["up", "cluster.toml"]).stderr(log).spawn().unwrap()
        };
        let mut both = [start("first.log"), start("second.log")];
        let screens = || ["first.log", "second.log"].map(|name| fs::read_to_string(cluster.path(name)).unwrap());
        let mut codes = [None, None];
        until("one to run and the other to end", || {
            codes = [0, 1].map(|number: usize| both[number].try_wait().unwrap().map(|status| status.code()));
            codes.iter().any(Option::is_some) && screens().iter().any(|screen| screen.contains("ready after"))
        })
        .await;
        both.iter_mut().for_each(|one| {
            let _ = kill_process(Pid::from_raw(one.id().cast_signed()).unwrap(), Signal::TERM);
            one.wait().unwrap();
        });
        let screens = screens();
        assert_eq!(screens.iter().filter(|screen| screen.contains("ready after")).count(), 1, "{screens:?}");
        let ended = codes.iter().position(Option::is_some).unwrap();
        let sentence =
            format!("sky: a broker is already running on {}: end the cluster that it belongs to", cluster.url());
        assert_eq!(codes[ended], Some(Some(1)), "{screens:?}");
        assert!(screens[ended].contains(&sentence), "{screens:?}");
    }
}

#[tokio::test]
async fn a_cluster_file_may_come_through_a_pipe() {
    let mut cluster = Cluster::new("");
    let text = "[broker]\n[services.hello]\ncommand = ['./hello.sh']\n";
    let script = format!("#!/bin/sh\nexec '{}'\n", crate::ground::hello_program().display());
    fs::write(cluster.path("hello.sh"), script).unwrap();
    fs::set_permissions(cluster.path("hello.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = run(cluster.command(&["up", "/dev/stdin", "--watch"]), text).await;
    let expected = "--watch: /dev/stdin is no file that can change; write it into one, and name that";
    assert_eq!(said.sentence(2), expected);
    let (read, mut write) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut write, text.as_bytes()).unwrap();
    drop(write);
    let mut sky = cluster.command(&["up", "/dev/stdin", "--dir", "run"]);
    sky.stdin(read);
    cluster.start_as(sky);
    until("the cluster", || cluster.state()["ready"] == true).await;
    cluster.signal(Signal::HUP);
    cluster.says("stdin is no file that can be read again, and stays as it was; nothing that runs is concerned").await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0));
    assert!(!cluster.screen().contains("mistake"), "{}", cluster.screen());
    let said = run(cluster.command(&["up", "/dev/zero"]), "").await;
    assert_eq!(
        said.sentence(2),
        "cannot read the cluster file /dev/zero: it is larger than 1024 KiB; name a smaller file"
    );
}

#[tokio::test]
async fn processes_that_a_killed_sky_left_behind_are_named() {
    let mut cluster = Cluster::new("[broker]\n[services.hello]\ncommand = ['HELLO']\n");
    cluster.start_and_wait(&[]).await;
    let processes: Vec<Pid> = ["broker", "hello.1"].iter().filter_map(|name| pid(&cluster.process(name))).collect();
    cluster.signal(Signal::KILL);
    assert_eq!(cluster.ended().await, None);
    let said = cluster.refused(&["--dir", "run"]).await;
    let pids: Vec<_> = processes.iter().map(|pid| pid.as_raw_nonzero()).collect();
    let expected =
        format!("left broker ({0}), hello.1 ({1}) behind: end them first, with `kill {0} {1}`", pids[0], pids[1]);
    let sentence = said.sentence(1).to_owned();
    for process in processes {
        kill_process(process, Signal::KILL).unwrap();
    }
    assert!(sentence.contains(&expected), "{sentence}");
}

#[tokio::test]
async fn a_broker_that_cannot_start_ends_the_cluster_with_its_reason() {
    let cluster =
        Cluster::new("[broker]\nlisten = 'unix:/proc/no/such/b.sock'\n[services.hello]\ncommand = ['HELLO']\n");
    let said = cluster.refused(&[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("broker  | sky: cannot create the directory /proc/no/such"), "{said:?}");
    let sentence = "sky: broker ended with exit code 1 before it was ready, and the cluster cannot do without it. Its last lines:\n    ";
    let (_, lines) = said.err.split_once(sentence).unwrap_or_else(|| panic!("{said:?}"));
    assert!(lines.starts_with("sky: cannot create the directory /proc/no/such"), "{said:?}");
}

#[tokio::test]
async fn a_mistake_in_the_file_is_named_with_its_line() {
    for (file, sentence) in [
        (
            "[broker]\n[services.qr]\ncomand = ['sh']\n",
            "line 3: there is no key \"comand\" in [services.qr]; did you mean command?",
        ),
        (
            "[services.qr]\ncommand = ['sh']\nafter = ['rq']\n",
            "services.qr: after names \"rq\", which is no service of this file",
        ),
        (
            "[services.a]\ncommand = ['sh']\nafter = ['b']\n[services.b]\ncommand = ['sh']\nafter = ['a']\n",
            "services wait for each other: a after b after a; take one `after` away",
        ),
        (
            "[services.qr]\ncommand = ['sh']\n\n[services.qr]\ncommand = ['sh']\n",
            "line 4: this name is there already; rename one of the two, or take it away",
        ),
        ("[services.qr]\ncommand = ['./qr']\n", "qr does not exist; build it first, or correct the command"),
        (
            "[services.qr]\ncommand = ['no-such-program']\n",
            "services.qr: there is no program \"no-such-program\" beside sky or in PATH; build it first",
        ),
        ("[services.qr]\ncommand = ['sh']\n", "no broker at "),
    ] {
        let cluster = Cluster::new(file);
        let said = cluster.refused(&[]).await;
        let code = if sentence.starts_with("no broker") { 1 } else { 2 };
        assert!(said.sentence(code).contains(sentence), "{said:?}");
    }
    let cluster = Cluster::new("[services.qr]\ncommand = ['sh']\n");
    let said = cluster.refused(&["--scale", "qq=2"]).await;
    assert!(said.sentence(2).starts_with("--scale: the cluster has no service \"qq\""), "{said:?}");
    let said = cluster.refused(&["--port", "1"]).await;
    assert_eq!(said.sentence(2), "--port: the cluster file has no [gateway]");
    let said = run(cluster.command(&["up", "nowhere.toml"]), "").await;
    assert!(said.sentence(2).starts_with("cannot read the cluster file nowhere.toml: "), "{said:?}");
}

#[tokio::test]
async fn without_a_name_the_file_is_the_usual_one() {
    let cluster = Cluster::new("[broker]\n");
    let said = run(cluster.command(&["up", "--check"]), "").await;
    assert_eq!((said.code, said.err.as_str()), (0, "sky: cluster.toml is well-formed; it starts broker\n"));
    fs::remove_file(cluster.path("cluster.toml")).unwrap();
    let said = run(cluster.command(&["up", "--check"]), "").await;
    let expected = "there is no cluster.toml in the current folder; name a cluster file, as in `sky up FILE`, \
                    or write one: `sky help up` shows what it may say";
    assert_eq!(said.sentence(2), expected);
}

#[tokio::test]
async fn a_file_is_checked_without_starting_anything() {
    let whole = "[broker]\n[gateway]\n[services.links]\ncommand = ['nowhere']\nafter = ['qr']\n";
    let cluster = Cluster::new(&format!("{whole}[services.qr]\ncommand = ['nowhere']\n"));
    let said = cluster.refused(&["--check"]).await;
    let expected = "sky: cluster.toml is well-formed; it starts broker, qr, links, gateway\n";
    assert_eq!((said.code, said.err.as_str()), (0, expected));
    // A broker that keeps no registry has it beside it, and one that does needs none.
    for (broker, parts) in [("amqp://a", "registry, qr, links, gateway"), ("nats://a", "qr, links, gateway")] {
        let said = cluster.refused(&["--check", "--broker", broker]).await;
        assert_eq!(said.err, format!("sky: cluster.toml is well-formed; it starts {parts}\n"));
    }
    let cluster = Cluster::new(&format!("{whole}[services.qr]\ncommand = ['nowhere']\nafter = ['links']\n"));
    let said = cluster.refused(&["--check"]).await;
    assert!(
        said.sentence(2).starts_with("cluster.toml: line 3: services.links: services wait for each other: "),
        "{said:?}"
    );
}
