//! `sky dead`: from a cast that cannot succeed to its second life.

use skyloom_testing::servers::{Launch, Server};

use crate::ground::{Ground, command, run, until};

#[tokio::test]
async fn a_dead_letter_is_listed_shown_kicked_and_dropped() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let none = ground.ok(&["dead", "list"]).await;
    assert_eq!(none.err, "sky: there are no dead letters\n");

    ground.ok(&["cast", "echo.v1/Refuse", r#"{"text":"no"}"#, "--header", "x-mood:sad"]).await;
    let dead = || async { ground.ok(&["dead", "list", "echo.v1", "--json"]).await.json() };
    let mut letters = dead().await;
    for _ in 0..200 {
        if letters.as_array().is_some_and(|letters| !letters.is_empty()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        letters = dead().await;
    }
    let letter = &letters[0];
    assert_eq!((&letter["method"], &letter["attempts"]), (&"Refuse".into(), &1.into()));
    assert_eq!(letter["reason"], "FAILED_PRECONDITION: nobody may say no");
    let number = letter["number"].to_string();

    let table = ground.ok(&["dead", "list"]).await;
    assert!(table.out.starts_with("CHANNEL  NUMBER  METHOD  ATTEMPTS"), "{table:?}");
    let shown = ground.ok(&["dead", "show", "echo.v1", &number]).await;
    assert!(shown.out.contains("header    x-mood: sad\npayload   {\"text\":\"no\"}\n"), "{shown:?}");
    let shown = ground.ok(&["dead", "show", "echo.v1", &number, "--json"]).await.json();
    assert_eq!((&shown["payload"]["text"], &shown["headers"][0][1]), (&"no".into(), &"sad".into()));

    let kicked = ground.ok(&["dead", "kick", "echo.v1", &number]).await;
    assert_eq!(kicked.err, "sky: 1 dead letter is ready again in echo.v1\n");
    // It fails as before and is a dead letter once more.
    for _ in 0..200 {
        if dead().await.as_array().is_some_and(|letters| !letters.is_empty()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let dropped = ground.ok(&["dead", "drop", "echo.v1", "--all"]).await;
    assert_eq!(dropped.err, "sky: 1 dead letter is dropped in echo.v1\n");
    assert_eq!(dead().await, serde_json::json!([]));
}

#[tokio::test]
async fn a_protobuf_letter_is_shown_as_json() {
    let ground = Ground::new().await;
    let app = skyloom::App::with_settings(skyloom::Settings::default()).serve(greeter::Greeter);
    let _running = app.start(&ground.connection().await).await.unwrap();
    // A name that the greeter refuses.
    ground.ok(&["cast", "greeter.v1/Hello", r#"{"name":""}"#]).await;
    let connection = ground.connection().await;
    let channel = "greeter.v1".parse().unwrap();
    let mut number = None;
    for _ in 0..200 {
        let letters = connection.broker.admin().unwrap().dead(&channel, 1).await.unwrap();
        number = letters.first().map(|letter| letter.number.to_string());
        if number.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let shown = ground.ok(&["dead", "show", "greeter.v1", &number.unwrap(), "--json"]).await.json();
    assert_eq!(shown["payload"], serde_json::json!({ "name": "" }));
}

#[tokio::test]
async fn a_letter_that_does_not_exist_is_named() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    for verb in ["show", "kick", "drop"] {
        let said = ground.sky(&["dead", verb, "echo.v1", "77"]).await;
        assert_eq!(said.sentence(1), "echo.v1 has no dead letter 77; see `sky dead list echo.v1`");
    }
    let neither = ground.sky(&["dead", "drop", "echo.v1"]).await;
    assert!(neither.sentence(2).starts_with("dead drop needs <NUMBER>; "), "{neither:?}");
    let both = ground.sky(&["dead", "drop", "echo.v1", "7", "--all"]).await;
    assert!(both.sentence(2).contains(" exclude each other; "), "{both:?}");
    let hostile = ground.sky(&["dead", "list", "../etc"]).await;
    assert!(hostile.sentence(2).contains("is not a topic name"), "{hostile:?}");
    let nothing = run(ground.command(&["dead"]), "").await;
    assert_eq!(nothing.code, 2);
    until("nothing more", || true).await;
}

/// RabbitMQ and beanstalkd keep no registry. What waits there, and what died, is known without one.
#[tokio::test]
async fn the_queues_are_seen_while_the_registry_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Launch::beanstalkd());
    let asked = async |arguments: &[&str]| {
        let mut sky = command();
        sky.args(arguments).current_dir(directory.path());
        sky.args(["--broker", &format!("beanstalk://127.0.0.1:{}", server.port())]);
        sky.args(["--registry", &format!("unix:{}", directory.path().join("b.sock").display())]);
        run(sky, "").await
    };
    let queues = asked(&["queues"]).await;
    assert_eq!((queues.code, queues.err.starts_with("sky: no queues yet")), (0, true), "{queues:?}");
    let dead = asked(&["dead", "list"]).await;
    assert_eq!((dead.code, dead.err.as_str()), (0, "sky: there are no dead letters\n"), "{dead:?}");
    let services = asked(&["services"]).await;
    assert!(services.sentence(1).starts_with("no registry at unix:"), "{services:?}");
}
