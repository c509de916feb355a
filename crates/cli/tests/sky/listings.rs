//! Listings: tables that a person can read, and JSON for programs.

use crate::ground::{Ground, until};

/// A table's cells, by its columns' titles.
fn column<'a>(table: &'a str, title: &str) -> Vec<&'a str> {
    let mut lines = table.lines();
    let header = lines.next().unwrap_or_default();
    let start = header.find(title).unwrap_or_else(|| panic!("no column {title} in:\n{table}"));
    lines.map(|line| line.get(start..).unwrap_or_default().split("  ").next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn what_is_empty_is_said_in_a_sentence() {
    let ground = Ground::new().await;
    for (listing, sentence) in [
        ("services", "sky: no services are registered; start one, and it appears here\n"),
        ("instances", "sky: no instances are running\n"),
        ("queues", "sky: no queues yet; a queue appears with its first message or its first worker\n"),
        ("ping", "sky: no instances are running\n"),
    ] {
        let said = ground.ok(&[listing]).await;
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", sentence));
        let json = ground.ok(&[listing, "--json"]).await;
        assert_eq!((json.out.trim(), json.err.as_str()), ("[]", ""));
    }
}

#[tokio::test]
async fn services_are_listed_with_their_instances() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let said = ground.ok(&["services"]).await;
    assert_eq!(column(&said.out, "SERVICE"), ["echo.v1.Echo"]);
    assert_eq!(column(&said.out, "QUEUE"), ["echo.v1"]);
    assert_eq!(column(&said.out, "METHODS"), ["Say, Refuse, Doze, Count"]);
    assert_eq!(column(&said.out, "LISTENS TO"), ["echo.shouted"]);

    let verbose = ground.ok(&["services", "-v"]).await;
    assert_eq!(column(&verbose.out, "REST"), ["GET /v1/echo/{text}", "-", "-", "-"]);
    assert!(column(&verbose.out, "ANSWERS").contains(&"stream of u64"), "{verbose:?}");

    let json = ground.ok(&["services", "--json"]).await.json();
    assert_eq!((&json[0]["name"], &json[0]["instances"]), (&"echo.v1.Echo".into(), &1.into()));
    running.drain().await;
    let json = ground.ok(&["services", "--json"]).await.json();
    assert_eq!(json[0]["instances"], 0, "a contract outlives its last instance");
}

#[tokio::test]
async fn a_service_that_is_gone_for_good_is_forgotten() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let early = ground.sky(&["services", "--forget", "echo.v1"]).await;
    assert!(early.sentence(1).starts_with("echo.v1.Echo runs, and would be known again at once; "), "{early:?}");
    running.drain().await;
    let unknown = ground.sky(&["services", "--forget", "ecko.v1"]).await;
    assert_eq!(unknown.sentence(1), "no service \"ecko.v1\" is registered; did you mean echo.v1?");
    let said = ground.ok(&["services", "--forget", "echo.v1"]).await;
    assert!(said.err.starts_with("sky: echo.v1.Echo is forgotten, with its routes; "), "{said:?}");
    assert_eq!(ground.ok(&["services", "--json"]).await.json(), serde_json::json!([]));
    assert_eq!(ground.ok(&["routes", "--json"]).await.json(), serde_json::json!([]));
}

#[tokio::test]
async fn instances_are_listed_pinged_and_drained() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let id = running.instance().to_string();
    let said = ground.ok(&["instances", "--service", "echo.v1"]).await;
    assert_eq!(column(&said.out, "INSTANCE"), [&id[..8]]);
    assert_eq!(column(&said.out, "SERVICES"), ["echo.v1.Echo"]);
    let json = ground.ok(&["instances", "--json"]).await.json();
    assert_eq!((&json[0]["id"], &json[0]["pid"]), (&id.as_str().into(), &std::process::id().into()));
    let unknown = ground.sky(&["instances", "--service", "ecko.v1"]).await;
    assert_eq!(unknown.sentence(1), "no service \"ecko.v1\" is registered; did you mean echo.v1?");

    let ping = ground.ok(&["ping", &id[..4]]).await;
    assert_eq!(column(&ping.out, "INSTANCE"), [&id[..8]]);
    assert_eq!(column(&ping.out, "ERROR"), ["-"]);
    assert!(ping.out.contains(" us") || ping.out.contains(" ms"), "{ping:?}");
    let json = ground.ok(&["ping", "--json"]).await.json();
    assert!(json[0]["round_trip_us"].as_u64() > Some(0), "{json}");

    let drain = ground.ok(&["drain", &id[..6]]).await;
    assert_eq!(drain.err, format!("sky: {id} drains, with 0 requests in flight\n"));
    tokio::time::timeout(crate::ground::PATIENCE, running.drain_requested()).await.unwrap();
    running.drain().await;
    let gone = ground.sky(&["drain", &id]).await;
    assert!(gone.sentence(1).starts_with("no instance's GUID starts with"), "{gone:?}");
}

#[tokio::test]
async fn queues_are_listed_with_what_they_hold() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    ground.ok(&["call", "echo.v1/Say", r#"{"text":"a"}"#]).await;
    let said = ground.ok(&["queues"]).await;
    assert_eq!(column(&said.out, "CHANNEL"), ["echo.shouted/echo", "echo.v1"]);
    let json = ground.ok(&["queues", "--json"]).await.json();
    assert_eq!((&json[1]["enqueued"], &json[1]["settled"], &json[1]["consumers"]), (&1.into(), &1.into(), &1.into()));
    let all = ground.ok(&["queues", "--all", "--json"]).await.json();
    assert_eq!(all.as_array().unwrap().len(), 3, "with the instance's own channel");
}

#[tokio::test]
async fn an_instance_that_is_stuck_is_shown_by_ping() {
    let ground = Ground::new().await;
    let mut stuck = std::process::Command::new(crate::ground::hello_program());
    let mut stuck = stuck.env("SKYLOOM_BROKER", &ground.url).stderr(std::process::Stdio::null()).spawn().unwrap();
    let registry = ground.connection().await.registry;
    let mut watch = registry.watch().await.unwrap();
    watch.wait_for(|snapshot| !snapshot.instances.is_empty()).await.unwrap();
    let pid = rustix::process::Pid::from_raw(stuck.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let said = ground.sky(&["ping", "--timeout", "300ms"]).await;
    stuck.kill().unwrap();
    stuck.wait().unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("1 of 1 instances did not answer"), "{said:?}");
    assert!(column(&said.out, "ERROR")[0].starts_with("DEADLINE_EXCEEDED"), "{said:?}");
    until("the registry to forget it", || watch.borrow_and_update().instances.is_empty()).await;
}
