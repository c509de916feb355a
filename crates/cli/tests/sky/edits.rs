//! The cluster file is edited while `sky up` runs it.

use std::{
    fs,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    ground::{hello_program, run, until},
    load::Load,
    site::{Cluster, pid},
    workspace::{add_package, workspace},
};

const FILE: &str = "[broker]\n[gateway]\nport = PORT\n\
                    [services.hello]\ncommand = ['HELLO']\ninstances = 2\nenv = { SKYLOOM_SETTINGS_GREETING = 'Hello' }\n\
                    [services.stock]\npackage = 'stock'\n";

/// The process ids of these; each must run.
fn pids(cluster: &Cluster, names: &[&str]) -> Vec<Pid> {
    let of = |name: &&str| pid(&cluster.process(name)).unwrap_or_else(|| panic!("{name}: {}", cluster.screen()));
    names.iter().map(of).collect()
}

async fn gone(pids: &[Pid]) {
    until("the old ones to end", || pids.iter().all(|pid| test_kill_process(*pid).is_err())).await;
}

async fn ready(cluster: &Cluster, name: &str) {
    until(name, || cluster.process(name)["ready"] == true).await;
}

async fn end(cluster: &mut Cluster) {
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn no_request_fails_while_services_come_go_grow_shrink_and_change() {
    let mut cluster = workspace(FILE);
    let load = Load::on_watched(&mut cluster).await;
    let rest = ["broker", "gateway", "stock.1"];
    let (untouched, hello) = (pids(&cluster, &rest), pids(&cluster, &["hello.1", "hello.2"]));

    // One that is built comes, once what it waits for is ready.
    add_package(&cluster, "late");
    cluster.edit("[services.stock]", "[services.late]\npackage = 'late'\nafter = ['other']\n[services.stock]");
    cluster.says("services.late: after names \"other\", which is no service of this file").await;
    let other = "[services.other]\ncommand = ['HELLO']\nenv = { SKYLOOM_SETTINGS_BYSTANDER = 'true' }\n";
    let other = other.replace("HELLO", &hello_program().display().to_string());
    cluster.edit("[services.stock]", &format!("{other}[services.stock]"));
    cluster.says("built; starting late, other").await;
    ready(&cluster, "late.1").await;
    let screen = cluster.screen();
    assert!(screen.find("other.1 is started") < screen.find("late.1 is started"), "{screen}");
    cluster.says("all is ready, ").await;
    assert!(cluster.path("run/logs/late.log").exists());

    // More instances, and fewer.
    cluster.edit("instances = 2", "instances = 4");
    ready(&cluster, "hello.3").await;
    ready(&cluster, "hello.4").await;
    let leaving = pids(&cluster, &["hello.3", "hello.4"]);
    assert_eq!(pids(&cluster, &["hello.1", "hello.2"]), hello);
    cluster.edit("instances = 4", "instances = 2");
    gone(&leaving).await;
    until("its end", || cluster.process("hello.3").is_null()).await;
    cluster.says("cluster.toml changed; hello has 4 instances instead of 2\n").await;
    cluster.says("cluster.toml changed; hello has 2 instances instead of 4\n").await;

    // Another environment.
    let late = pids(&cluster, &["late.1", "other.1"]);
    cluster.edit("'Hello'", "'Salut'");
    load.sees("Salut").await;
    gone(&hello).await;
    cluster.says("cluster.toml changed; replacing hello\n").await;
    let hello = pids(&cluster, &["hello.1", "hello.2"]);
    assert_eq!(pids(&cluster, &["late.1", "other.1"]), late);

    // What is taken out ends.
    cluster.edit(&other, "");
    cluster.edit("after = ['other']", "");
    gone(&late[1..]).await;
    cluster.says("cluster.toml changed; ending other\n").await;
    assert_eq!(pids(&cluster, &["late.1"]), late[..1]);
    load.goes_on().await;

    assert_eq!(pids(&cluster, &rest), untouched);
    assert_eq!(pids(&cluster, &["hello.1", "hello.2"]), hello);
    assert!(rest.iter().all(|name| cluster.process(name)["starts"] == 1), "{}", cluster.screen());
    load.end(&cluster).await;
    let last = pids(&cluster, &["hello.1", "hello.2", "late.1", "stock.1", "gateway", "broker"]);
    end(&mut cluster).await;
    assert!(last.iter().all(|pid| test_kill_process(*pid).is_err()), "something was left behind");
}

#[tokio::test]
async fn the_gateway_becomes_another_program_without_a_failed_request() {
    let mut cluster = workspace(FILE);
    let load = Load::on_watched(&mut cluster).await;
    let (before, others) = (pids(&cluster, &["gateway"]), pids(&cluster, &["hello.1", "hello.2", "stock.1", "broker"]));
    cluster.edit("[gateway]", "[gateway]\npackage = 'front'");
    cluster.says("built; replacing gateway").await;
    gone(&before).await;
    load.goes_on().await;
    load.end(&cluster).await;
    assert_eq!(pids(&cluster, &["hello.1", "hello.2", "stock.1", "broker"]), others);
    end(&mut cluster).await;
}

#[tokio::test]
async fn a_service_gets_another_name_without_a_failed_request() {
    let mut cluster = workspace(FILE);
    let load = Load::on_watched(&mut cluster).await;
    let before = pids(&cluster, &["hello.1", "hello.2"]);
    cluster.edit("[services.hello]", "[services.greeter]");
    cluster.says("cluster.toml changed; greeter takes the place of hello\n").await;
    gone(&before).await;
    pids(&cluster, &["greeter.1", "greeter.2"]);
    until("its end", || cluster.process("hello.1").is_null() && cluster.process("hello.2").is_null()).await;
    load.goes_on().await;
    load.end(&cluster).await;
    end(&mut cluster).await;
}

#[tokio::test]
async fn a_signal_has_the_file_read_where_nobody_watches() {
    let mut cluster = workspace(FILE);
    cluster.start_and_wait(&[]).await;
    let before = pids(&cluster, &["broker", "gateway", "hello.1", "hello.2", "stock.1"]);
    cluster.signal(Signal::HUP);
    cluster.says("cluster.toml is read again; building").await;
    cluster.says("built; no program has changed").await;
    let main = cluster.path("stock/src/main.rs");
    let changed = fs::read_to_string(&main).unwrap().replace("fn main() {", "fn main() { eprintln!(\"new\");");
    fs::write(&main, changed).unwrap();
    cluster.edit("instances = 2", "instances = 3");
    cluster.signal(Signal::HUP);
    cluster.says("built; hello has 3 instances instead of 2; replacing stock").await;
    ready(&cluster, "hello.3").await;
    gone(&before[4..]).await;
    assert_eq!(pids(&cluster, &["broker", "gateway", "hello.1", "hello.2"]), before[..4]);
    end(&mut cluster).await;
}

#[tokio::test]
async fn one_that_comes_back_need_not_wait_for_the_one_that_finishes_its_work() {
    let service = "[services.hello]\ncommand = ['HELLO']\n";
    let mut cluster = Cluster::new(&format!("[broker]\n{service}"));
    let service = service.replace("HELLO", &hello_program().display().to_string());
    // There is nothing to build, and the file is followed all the same.
    cluster.start_and_wait(&["--watch"]).await;
    let first = pids(&cluster, &["hello.1"]);
    let doze = |ms: u32| {
        let call = cluster.command(&["call", "greeter.v1/Doze", &format!("{{\"ms\":{ms}}}"), "--timeout", "60s"]);
        tokio::spawn(run(call, ""))
    };
    let is_leased = || {
        let queues = cluster.command(&["queues", "--json"]).output().unwrap().stdout;
        let queues: serde_json::Value = serde_json::from_slice(&queues).unwrap();
        queues.as_array().unwrap().iter().any(|queue| queue["leased"] == 1)
    };
    let call = doze(8_000);
    until("the call", is_leased).await;
    cluster.edit(&service, "");
    cluster.says("ending hello").await;
    until("it to be out", || cluster.process("hello.1").is_null()).await;
    fs::write(cluster.path("cluster.toml"), format!("[broker]\n{service}")).unwrap();
    ready(&cluster, "hello.1").await;
    assert!(test_kill_process(first[0]).is_ok() && !call.is_finished(), "{}", cluster.screen());
    let second = pids(&cluster, &["hello.1"]);
    assert_ne!(first, second);
    assert_eq!(call.await.unwrap().json()["ms"], 8_000);
    gone(&first).await;
    assert_eq!(pids(&cluster, &["hello.1"]), second);

    // What was taken out finishes its work before the broker ends.
    let call = doze(4_000);
    until("the call", is_leased).await;
    cluster.edit(&service, "");
    cluster.says("ending hello").await;
    end(&mut cluster).await;
    assert_eq!(call.await.unwrap().json()["ms"], 4_000);
    gone(&second).await;
}

#[tokio::test]
async fn a_terminal_that_is_closed_ends_the_cluster_and_the_signal_alone_does_not() {
    let mut cluster = Cluster::new("[broker]\n[services.hello]\ncommand = ['HELLO']\n");
    let sky = cluster.command(&[]);
    let mut terminal = Command::new("script");
    for (name, value) in sky.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let up = format!("exec {:?} --broker {} up cluster.toml --dir run 2>screen.log", sky.get_program(), cluster.url());
    terminal.args(["-qec", &up, "/dev/null"]).current_dir(cluster.path("")).stdin(Stdio::piped()).stdout(Stdio::null());
    cluster.up = Some(terminal.spawn().unwrap());
    until("the cluster", || cluster.state()["ready"] == true).await;
    let up = pid(&cluster.state()).unwrap();
    kill_process(up, Signal::HUP).unwrap();
    cluster.says("cluster.toml is read again; nothing that runs is concerned").await;
    assert!(test_kill_process(up).is_ok());
    let terminal = cluster.up.as_mut().unwrap();
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    cluster.says("sky     | stopped; it ran for ").await;
    gone(&[up]).await;
}
