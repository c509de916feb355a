//! The cluster file is edited while `sky up` runs it, and something is wrong.

use std::fs;

use rustix::process::Signal;

use crate::{
    ground::until,
    site::{Cluster, pid},
    workspace::{add_package, workspace},
};

const FILE: &str = "[broker]\n[gateway]\nport = PORT\n[services.hello]\ncommand = ['HELLO']\n";

async fn started(file: &str) -> Cluster {
    let mut cluster = workspace(file);
    cluster.start_and_wait(&["--watch"]).await;
    cluster
}

async fn end(mut cluster: Cluster) {
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_broken_file_is_named_once_and_changes_nothing_until_it_is_mended() {
    let cluster = started(FILE).await;
    let before = cluster.state();
    let mistake = "the cluster stays as it is, for its file has a mistake: cluster.toml: ";
    cluster.edit("[services.hello]", "[services.hello]\ninstnces = 2");
    let first = "line 5: there is no key \"instnces\" in [services.hello]; did you mean instances?";
    cluster.says(&format!("{mistake}{first}\n")).await;
    // Saved again as it is, it is no news.
    let text = fs::read(cluster.path("cluster.toml")).unwrap();
    fs::write(cluster.path("cluster.toml"), text).unwrap();
    cluster.edit("instnces = 2", "instances = 65");
    cluster.says(&format!("{mistake}line 4: services.hello: 65 instances are more than the 64")).await;
    cluster.edit("instances = 65", "after = ['hello']");
    cluster
        .says(&format!("{mistake}line 4: services.hello: it waits for itself; take \"hello\" out of its `after`"))
        .await;
    cluster.edit("after = ['hello']", "");
    cluster.edit("[services.hello]", "[services.more]\ncommand = ['./nowhere']\n[services.hello]");
    cluster.says(&format!("{mistake}line 4: services.more: ")).await;
    cluster.edit("command = ['./nowhere']", "package = 'ordrs'");
    cluster.says(&format!("{mistake}line 4: services.more: package: the workspace ")).await;
    fs::rename(cluster.path("cluster.toml"), cluster.path("away.toml")).unwrap();
    cluster.says("for its file has a mistake: cannot read the cluster file cluster.toml: there is no such file").await;
    assert_eq!(cluster.state(), before);
    fs::rename(cluster.path("away.toml"), cluster.path("cluster.toml")).unwrap();
    until("the mistake", || cluster.screen().matches("line 4: services.more: package").count() == 2).await;
    cluster.edit("'ordrs'", "'orders'");
    until("what was added", || cluster.process("more.1")["ready"] == true).await;
    assert_eq!(cluster.screen().matches(first).count(), 1, "{}", cluster.screen());
    for name in ["broker", "gateway", "hello.1"] {
        let known = before["processes"].as_array().unwrap().iter().find(|process| process["name"] == name);
        assert_eq!(Some(&cluster.process(name)), known);
    }
    end(cluster).await;
}

#[tokio::test]
async fn what_takes_a_restart_is_said_and_the_rest_is_done() {
    let cluster = started(FILE).await;
    let before = ["broker", "gateway"].map(|name| cluster.process(name));
    let (text, port) = (fs::read_to_string(cluster.path("cluster.toml")).unwrap(), format!("port = {}", cluster.port));
    let text =
        text.replace("[broker]", "[broker]\nlisten = 'unix:other.sock'").replace(&port, "port = 1\nhold = false");
    fs::write(cluster.path("cluster.toml"), format!("{text}instances = 2\n")).unwrap();
    cluster
        .says(
            "what cluster.toml says about listen in [broker], port in [gateway], hold in [gateway] takes a restart: end \
             the cluster and start it again; until then that stays as it is",
        )
        .await;
    until("the second", || cluster.process("hello.2")["ready"] == true).await;
    cluster.says("cluster.toml changed; hello has 2 instances instead of 1").await;
    fs::write(cluster.path("cluster.toml"), text.replace("[broker]", "").replace("listen", "#")).unwrap();
    cluster.says("what cluster.toml says about [broker], port in [gateway], hold in [gateway] takes").await;
    until("the second to go", || cluster.process("hello.2").is_null()).await;
    assert_eq!(["broker", "gateway"].map(|name| cluster.process(name)), before);
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"));
    end(cluster).await;
}

#[tokio::test]
async fn what_is_not_there_or_does_not_build_starts_once_it_does() {
    let cluster = started(FILE).await;
    let before = cluster.state();
    cluster.edit("[services.hello]", "[services.late]\npackage = 'late'\n[services.hello]");
    cluster.says("line 4: services.late: package: the workspace ").await;
    add_package(&cluster, "late");
    until("what was added", || cluster.process("late.1")["ready"] == true).await;

    add_package(&cluster, "later");
    let main = cluster.path("later/src/main.rs");
    let good = fs::read_to_string(&main).unwrap();
    fs::write(&main, good.replace("Command::new", "Command::knew")).unwrap();
    cluster.edit("[services.hello]", "[services.later]\npackage = 'later'\n[services.hello]");
    cluster.says("the build failed; what runs goes on").await;
    assert!(cluster.process("later.1").is_null());
    fs::write(&main, good).unwrap();
    cluster.says("built; starting later").await;
    until("what was repaired", || cluster.process("later.1")["ready"] == true).await;
    for process in before["processes"].as_array().unwrap() {
        assert_eq!(&cluster.process(process["name"].as_str().unwrap()), process);
    }
    end(cluster).await;
}

#[tokio::test]
async fn what_the_processes_read_reaches_them() {
    let cluster = started(FILE).await;
    let [broker, gateway, hello] = ["broker", "gateway", "hello.1"].map(|name| cluster.process(name));
    fs::write(cluster.path("skyloom.toml"), "[service]\nlese = '3s'\n").unwrap();
    let mistake = "the settings of what runs stay as they are, for there is a mistake: ";
    cluster.says(mistake).await;
    assert!(cluster.screen().contains("skyloom.toml, line 2"), "{}", cluster.screen());
    assert_eq!(cluster.process("hello.1"), hello);
    let settings = "[service.'greeter@1']\nsettings = { greeting = 'Hi' }\n";
    fs::write(cluster.path("skyloom.toml"), settings).unwrap();
    cluster.says("skyloom.toml changed; replacing hello\n").await;
    until("the next one", || pid(&cluster.process("hello.1")) != pid(&hello)).await;
    // The old one may take another request before it hears that it is to end.
    until("its word", || cluster.get("/v1/hello/Ada").contains("Hi, Ada!")).await;
    assert_eq!(["broker", "gateway"].map(|name| cluster.process(name)), [broker.clone(), gateway.clone()]);
    fs::write(cluster.path("skyloom.toml"), format!("[default]\nlog = 'warn'\n{settings}")).unwrap();
    cluster.says("skyloom.toml changed; replacing gateway, hello\n").await;
    until("the next gateway", || pid(&cluster.process("gateway")) != pid(&gateway)).await;
    assert_eq!(cluster.process("broker"), broker);
    assert!(cluster.get("/v1/hello/Ada").contains("Hi, Ada!"));
    end(cluster).await;
}

#[tokio::test]
async fn settings_that_do_not_start_leave_the_old_one_and_can_be_taken_back() {
    let cluster = started(FILE).await;
    let before = cluster.process("hello.1");
    cluster.edit("[services.hello]", "[services.hello]\nenv = { SKYLOOM_LEASE = 'never' }");
    cluster.says("the new hello.1 ended with exit code 2 before it was ready; the old one goes on").await;
    assert_eq!(cluster.process("hello.1"), before);
    cluster.edit("env = { SKYLOOM_LEASE = 'never' }", "");
    cluster.says("hello.1 goes on as it is").await;
    cluster.edit("[services.hello]", "[services.hello]\nenv = { SKYLOOM_SETTINGS_GREETING = 'Hi' }");
    until("the next one", || pid(&cluster.process("hello.1")) != pid(&before)).await;
    assert!(cluster.get("/v1/hello/Ada").contains("Hi, Ada!"));
    end(cluster).await;
}

#[tokio::test]
async fn one_that_waits_in_vain_can_be_told_not_to() {
    let stuck = "[broker]\n[services.deaf]\ncommand = ['sleep', '1000']\n[services.hello]\ncommand = ['HELLO']\n\
                 after = ['deaf']\n";
    let mut cluster = Cluster::new(stuck);
    cluster.start(&["--watch"]);
    until("the other", || cluster.process("deaf.1")["starts"] == 1).await;
    assert_eq!(cluster.process("hello.1")["starts"], 0);
    cluster.edit("after = ['deaf']", "");
    until("it to start", || cluster.process("hello.1")["ready"] == true).await;
    assert_eq!(cluster.process("deaf.1")["starts"], 1);
    end(cluster).await;
}
