//! `sky call`, `sky cast`, `sky publish`.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::atomic::Ordering,
};

use rustix::process::{Pid, Signal, kill_process};
use skyloom::{App, Settings};

use crate::ground::{Ground, run, until};

#[tokio::test]
async fn a_code_first_method_is_called_with_json() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let said = ground.ok(&["call", "echo.v1.Echo/Say", r#"{"text":"hé"}"#, "--header", "X-Mood: glad"]).await;
    let answer = said.json();
    assert_eq!((&answer["text"], &answer["mood"]), (&"hé".into(), &"glad".into()));
    assert!(said.out.ends_with("}\n") && said.err.is_empty(), "{said:?}");

    let by_queue = ground.ok(&["call", "echo.v1/Say", r#"{"text":"a"}"#]).await;
    assert_eq!(by_queue.json()["text"], "a");

    let from_stdin = run(ground.command(&["call", "echo.v1/Say", "-"]), r#"{"text":"b"}"#).await;
    assert_eq!(from_stdin.json()["text"], "b");

    std::fs::write(ground.directory.path().join("say.json"), r#"{"text":"c"}"#).unwrap();
    let from_file = ground.ok(&["call", "echo.v1/Say", "@say.json"]).await;
    assert_eq!(from_file.json()["text"], "c");
}

#[tokio::test]
async fn a_contract_first_method_is_called_with_json() {
    let ground = Ground::new().await;
    let app = App::with_settings(Settings::default()).serve(greeter::Greeter);
    let _running = app.start(&ground.connection().await).await.unwrap();
    let said = ground.ok(&["call", "greeter.v1.Greeter/Hello", r#"{"name":"Ada"}"#]).await;
    assert_eq!(said.out, "{\"text\":\"Hello, Ada!\"}\n");

    let unknown = ground.sky(&["call", "greeter.v1.Greeter/Hello", r#"{"nam":"Ada"}"#]).await;
    assert!(unknown.sentence(2).contains("\"nam\""), "{unknown:?}");
    let wrong = ground.sky(&["call", "greeter.v1.Greeter/Hello", r#"{"name":5}"#]).await;
    assert!(wrong.sentence(2).contains("\"name\""), "{wrong:?}");
    for number in ["-3", "4294967296", "1.5", "1e20", "\"-3\""] {
        let message = format!("{{\"name\":\"Ada\",\"times\":{number}}}");
        let wrong = ground.sky(&["call", "greeter.v1.Greeter/HelloStream", &message]).await;
        let sentence = wrong.sentence(2);
        assert!(sentence.starts_with("the message: field \"times\" is not as expected: invalid value: "), "{sentence}");
        assert!(sentence.contains("expected a whole number from 0 to 4294967295"), "{sentence}");
    }

    let stream = ground.ok(&["call", "greeter.v1.Greeter/HelloStream", r#"{"name":"Ada","times":2.0}"#]).await;
    let lines: Vec<&str> = stream.out.lines().collect();
    assert_eq!(lines, [r#"{"text":"Hello, Ada! (1 of 2)"}"#, r#"{"text":"Hello, Ada! (2 of 2)"}"#]);
}

#[tokio::test]
async fn a_message_is_written_as_its_fields() {
    let (ground, echo, _running) = Ground::with_echo().await;
    let app = App::with_settings(Settings::default()).serve(greeter::Greeter);
    let _greeter = app.start(&ground.connection().await).await.unwrap();
    let said = ground.ok(&["call", "echo.v1/Say", "text=5 = five", "--header", "x-mood: glad"]).await;
    assert_eq!((&said.json()["text"], &said.json()["mood"]), (&"5 = five".into(), &"glad".into()));
    let said = ground.ok(&["call", "greeter.v1/HelloStream", "name=Ada", "times=2", "pauseMs=1"]).await;
    assert_eq!(said.out.lines().count(), 2, "{said:?}");
    ground.ok(&["publish", "echo.shouted", "text=hey"]).await;
    until("the event", || *echo.heard.lock().unwrap() == ["hey"]).await;

    for (line, sentence) in [
        (
            &["call", "echo.v1/Doze", "ms=soon"][..],
            "\"ms\" must be a whole number from 0 to 18446744073709551615, not \"soon\"; echo.v1.Echo/Doze takes ms (whole number)",
        ),
        (
            &["call", "greeter.v1/HelloStream", "pause_ms=1"],
            "there is no field \"pause_ms\"; did you mean \"pauseMs\"? greeter.v1.Greeter/HelloStream takes name (string), \
             times (whole number), pauseMs (whole number)",
        ),
        (
            &["call", "echo.v1/Say", "{}", "more"],
            "\"{}\" is no field; write each as NAME=VALUE, or the whole message as one JSON; echo.v1.Echo/Say takes text (string)",
        ),
        (
            &["publish", "echo.shouted", "txt=a"],
            "there is no field \"txt\"; did you mean \"text\"? echo.shouted takes text (string)",
        ),
    ] {
        assert_eq!(ground.sky(line).await.sentence(2), sentence);
    }
    // Of this topic no contract tells anything, so that it may have any fields.
    let published = ground.sky(&["publish", "a.b", "text=a"]).await;
    assert!(published.code == 0 && published.err.starts_with("sky: nobody listens to a.b"), "{published:?}");
}

#[tokio::test]
async fn what_a_service_says_of_an_error_does_nothing_to_the_terminal() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let said = ground.sky(&["call", "echo.v1/Refuse", r#"{"text":"a\nb\u001b[2J"}"#]).await;
    assert_eq!(said.sentence(1), "FAILED_PRECONDITION: nobody may say a\nb\u{fffd}[2J");
}

#[tokio::test]
async fn one_instance_is_called_on_purpose() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let app = App::with_settings(Settings::default()).serve(greeter::Greeter);
    let other = app.start(&ground.connection().await).await.unwrap();
    let id = running.instance().to_string();
    let say = ["-v", "echo.v1/Say", r#"{"text":"a"}"#, "--instance"];
    let said = ground.ok(&[&["call"], &say[..], &[&id[..8]]].concat()).await;
    assert!(said.json()["text"] == "a" && said.err.contains(&format!("answered by {id}")), "{said:?}");
    let cast = ground.ok(&[&["cast"], &say[1..], &[&id]].concat()).await;
    assert_eq!((cast.out.as_str(), cast.err.as_str()), ("", ""));
    let nobody = ground.sky(&[&["call"], &say[1..], &["zz"]].concat()).await;
    assert!(nobody.sentence(1).contains("no instance's GUID starts with \"zz\""), "{nobody:?}");
    let id = other.instance().to_string();
    let wrong = ground.sky(&[&["call"], &say[1..], &[&id]].concat()).await;
    assert!(wrong.err.contains("does not serve \"echo.v1\"; it serves greeter.v1"), "{wrong:?}");
}

#[tokio::test]
async fn verbose_says_who_answered_and_what_it_cost() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let said = ground.ok(&["call", "-v", "echo.v1/Say", r#"{"text":"a"}"#]).await;
    let expected =
        format!("sky: answered by {}, attempt 1; ledger: sends=1 receives=2 settles=1 retries=0\n", running.instance());
    assert_eq!(said.err, expected);
}

#[tokio::test]
async fn a_call_that_fails_says_why_and_what_may_be_concluded() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let refused = ground.sky(&["call", "echo.v1/Refuse", r#"{"text":"no"}"#]).await;
    assert_eq!(refused.sentence(1), "FAILED_PRECONDITION: nobody may say no");
    let late = ground.sky(&["call", "echo.v1/Doze", r#"{"ms":5000}"#, "--timeout", "200ms"]).await;
    assert!(late.sentence(1).starts_with("DEADLINE_EXCEEDED: "), "{late:?}");
}

#[tokio::test]
async fn ctrl_c_ends_a_stream_and_the_worker_hears_of_it() {
    let (ground, echo, _running) = Ground::with_echo().await;
    let mut child = ground.command(&["call", "echo.v1/Count"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
    let ended = tokio::task::spawn_blocking(move || {
        let seen: Vec<String> = lines.by_ref().take(3).map(Result::unwrap).collect();
        assert_eq!(seen, ["1", "2", "3"]);
        kill_process(pid, Signal::INT).unwrap();
        child.wait().unwrap()
    });
    assert_eq!(ended.await.unwrap().code(), Some(0));
    until("the stream to end", || echo.left.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_a_stream_quietly() {
    let (ground, echo, _running) = Ground::with_echo().await;
    let mut child =
        ground.command(&["call", "echo.v1/Count"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    until("the stream to end", || echo.left.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn work_without_a_worker_waits_and_sky_says_so() {
    let (ground, _echo, running) = Ground::with_echo().await;
    running.drain().await;
    let said = ground.ok(&["cast", "echo.v1.Echo/Say", r#"{"text":"later"}"#]).await;
    assert!(said.err.contains("no instance of echo.v1.Echo is running"), "{said:?}");
    let delayed = ground.ok(&["cast", "echo.v1.Echo/Say", r#"{"text":"later"}"#, "--delay", "1h"]).await;
    assert_eq!(delayed.out, "");
    let queues = ground.ok(&["queues", "--json"]).await.json();
    let queue = queues.as_array().unwrap().iter().find(|row| row["channel"] == "echo.v1").unwrap();
    assert_eq!((&queue["ready"], &queue["delayed"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn an_event_reaches_those_who_listen() {
    let (ground, echo, _running) = Ground::with_echo().await;
    ground.ok(&["publish", "echo.shouted", r#"{"text":"hey"}"#]).await;
    until("the event", || *echo.heard.lock().unwrap() == ["hey"]).await;
}
