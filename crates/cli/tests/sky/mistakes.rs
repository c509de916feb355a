//! Bad input: one clear sentence and the right exit code.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, process::Stdio};

use crate::ground::{Ground, PATIENCE, command, run};

#[tokio::test]
async fn without_a_broker_sky_says_how_to_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("unix:{}/none.sock", directory.path().display());
    let mut sky = command();
    sky.args(["services", "--broker", &url]);
    let said = run(sky, "").await;
    let sentence = said.sentence(1);
    let advice = "start one with `sky up` or `sky broker`, or name another with --broker";
    assert_eq!(sentence, format!("no broker at {url}: nobody listens there; {advice}"));
}

#[tokio::test]
async fn a_mistake_of_ones_own_is_told_before_a_broker_is_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.json"), "{\"name\":").unwrap();
    for (line, part) in [
        ("call a.v1/B @nofile", "cannot read nofile: there is no such file or folder"),
        ("call a.v1/B @.", "cannot read .: it is a folder"),
        ("call a.v1/B @bad.json", "bad.json is not JSON: "),
        ("call a.v1/B {", "the message is not JSON: "),
        ("call a.v1.B", "\"a.v1.B\" names no method; "),
        ("cast a.v1/B @nofile", "cannot read nofile: "),
        ("bench a.v1/B @nofile", "cannot read nofile: "),
        ("publish a.b @nofile", "cannot read nofile: "),
        ("publish A.B 1", "is not a topic name"),
        ("listen A.B", "is not a topic name"),
        ("log a.v1 debgu", "\"debgu\" is no level to log; "),
    ] {
        let mut sky = command();
        sky.args(line.split(' ')).args(["--broker", "unix:/nowhere/b.sock"]).current_dir(directory.path());
        let said = run(sky, "").await;
        assert!(said.sentence(2).contains(part) && !said.err.contains("os error"), "{line}: {said:?}");
    }
}

#[tokio::test]
async fn a_url_that_names_no_broker_is_refused() {
    let long = format!("unix:/{}", "x".repeat(200));
    for (url, part) in [
        ("carrier-pigeon:", "names no broker"),
        ("unix:relative", "is relative"),
        ("memory:", "is a broker inside one process"),
        ("tcp://0.0.0.0:1", "not a loopback address"),
        (&long, "has 201 bytes"),
    ] {
        let mut sky = command();
        sky.args(["services", "--broker", url]);
        let said = run(sky, "").await;
        assert!(said.sentence(2).contains(part), "{said:?}");
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused_with_a_sentence() {
    let mut sky = command();
    sky.args(["up", "--check"]).arg(OsStr::from_bytes(b"no\xff.toml"));
    let said = run(sky, "").await;
    assert_eq!(said.sentence(2), "cannot read the cluster file no\u{fffd}.toml: there is no such file");
    let mut sky = command();
    sky.arg("services").env("SKYLOOM_LEASE", OsStr::from_bytes(b"2\xffs"));
    let said = run(sky, "").await;
    assert!(said.sentence(2).contains("environment variable SKYLOOM_LEASE: lease: "), "{said:?}");
}

#[tokio::test]
async fn a_typo_in_the_configuration_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("skyloom.toml"), "[default]\nbrokr = \"local:\"\n").unwrap();
    let mut sky = command();
    sky.arg("services").current_dir(directory.path());
    let said = run(sky, "").await;
    assert!(
        said.sentence(2).contains("skyloom.toml") && said.err.contains('2') && said.err.contains("\"brokr\""),
        "{said:?}"
    );
}

#[tokio::test]
async fn absurd_times_are_refused() {
    for time in ["0s", "-1s", "1e9h", "abc", "2h", ""] {
        let mut sky = command();
        sky.args(["call", "a.v1.A/B", "--timeout", time]);
        let said = run(sky, "").await;
        assert!(said.sentence(2).contains("--timeout <TIME>"), "{said:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_none_is_refused_with_its_place() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for (message, part) in [
        ("{\"text\": \"a\"", "the message is not JSON: EOF while parsing an object at line 1 column 12"),
        ("{\"text\":\n nope}", "line 2 column"),
        (
            "nope",
            "the message is not JSON: expected ident at line 1 column 2; write it like '{\"name\":\"Ada\"}' or name=Ada",
        ),
        ("txt=a", "there is no field \"txt\"; did you mean \"text\"? echo.v1.Echo/Say takes text (string)"),
        ("{\"txt\":\"a\"}", "\"txt\""),
        ("{\"text\":5}", "\"text\""),
        (&deep, "nested more than"),
        ("@no-such-file", "cannot read no-such-file: "),
    ] {
        let said = ground.sky(&["call", "echo.v1/Say", message]).await;
        assert!(said.sentence(2).contains(part), "{said:?}");
    }
    // A missing field is for the handler to find.
    let said = ground.sky(&["call", "echo.v1/Say"]).await;
    assert!(said.sentence(1).starts_with("INVALID_ARGUMENT: "), "{said:?}");
}

#[tokio::test]
async fn a_mistyped_name_gets_the_nearest() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    for (name, sentence) in [
        ("ecko.v1.Echo/Say", "no service \"ecko.v1.Echo\" is registered; did you mean echo.v1.Echo?"),
        ("echo.v1.Echo/Dose", "echo.v1.Echo has no method \"Dose\"; did you mean Doze?"),
        ("echo/Say", "no service \"echo\" is registered; did you mean echo.v1.Echo?"),
        ("../../etc/passwd", "no service \"../../etc\" is registered; the only one is echo.v1.Echo"),
    ] {
        assert_eq!(ground.sky(&["call", name]).await.sentence(1), sentence);
    }
    let none = ground.sky(&["call", "echo.v1.Echo"]).await;
    assert!(none.sentence(2).contains("write SERVICE/METHOD"), "{none:?}");
    let header = ground.sky(&["call", "echo.v1/Say", "--header", "a:b\r\nc:d"]).await;
    assert!(header.sentence(2).contains("control character"), "{header:?}");
    let topic = ground.sky(&["publish", "No Topic", "1"]).await;
    assert!(topic.sentence(2).contains("is not a topic name"), "{topic:?}");
}

#[tokio::test]
async fn the_command_line_itself_is_checked() {
    for (line, sentence) in [
        ("frobnicate", "there is no command \"frobnicate\"; see `sky help`"),
        ("srvices", "there is no command \"srvices\" (did you mean services?); see `sky help`"),
        ("bogus", "there is no command \"bogus\"; see `sky help`"),
        ("nw", "there is no command \"nw\" (did you mean new?); see `sky help`"),
        ("broker --pidfile x.pid", "--pidfile goes with --daemon: add that, or leave it out"),
        ("gateway --logfile x.log", "--logfile goes with --daemon: add that, or leave it out"),
        ("dead frob", "dead has no command \"frob\"; see `sky help dead`"),
        ("--frob", "sky takes no \"--frob\"; see `sky help`"),
        ("services --jsn", "services takes no \"--jsn\" (did you mean --json?); see `sky help services`"),
        ("services more", "services takes no \"more\"; see `sky help services`"),
        ("call a.v1/B {} -x", "call takes no \"-x\" (if it is a value, write it after `--`); see `sky help call`"),
        ("call", "call needs <SERVICE/METHOD>; see `sky help call`"),
        ("hold", "hold needs --listen <ADDRESS> and <COMMAND>...; see `sky help hold`"),
        ("call a/b --timeout", "--timeout <TIME> needs a value; see `sky help call`"),
        ("bench a/b -c 0", "--concurrency <CONCURRENCY>: 0 is not in 1..=50000; see `sky help bench`"),
        ("bench a/b -c x", "--concurrency <CONCURRENCY>: \"x\" is no whole number; see `sky help bench`"),
        (
            "broker --queue-messages 0",
            "--queue-messages <NUMBER>: 0 would refuse everything: give at least 1; see `sky help broker`",
        ),
        (
            "broker --queue-bytes 99999999999999999999",
            "--queue-bytes <NUMBER>: \"99999999999999999999\" is too large a number; see `sky help broker`",
        ),
        ("gateway --port 99999", "--port <PORT>: 99999 is not in 0..=65535; see `sky help gateway`"),
        (
            "gateway --port 1 --listen x",
            "--port <PORT> and --listen <ADDRESS> exclude each other; see `sky help gateway`",
        ),
        ("services --json --json", "--json is given twice; see `sky help services`"),
        (
            "--json=1 services",
            "unexpected value '1' for '--json' found; no more were expected; see `sky help services`",
        ),
        (
            "completions bsh",
            "\"bsh\" is no <SHELL>, which is one of bash, zsh, fish (did you mean bash?); see `sky help completions`",
        ),
        ("up x.toml --scale qr", "--scale <NAME=N>: \"qr\" is no scale; write NAME=N, such as qr=3; see `sky help up`"),
    ] {
        let mut sky = command();
        sky.args(line.split(' '));
        let said = run(sky, "").await;
        assert_eq!(said.sentence(2), sentence, "{line}");
    }
}

#[tokio::test]
async fn whoever_names_no_command_is_shown_which_there_are() {
    for line in [&[][..], &["dead"]] {
        let mut sky = command();
        sky.args(line);
        let said = run(sky, "").await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("\nCommands:\n"), "{said:?}");
    }
    let mut help = command();
    help.arg("--help");
    let said = run(help, "").await;
    assert_eq!(said.code, 0);
    for command in [
        "broker",
        "gateway",
        "config",
        "doctor",
        "shell",
        "completions",
        "routes",
        "listen",
        "up",
        "call",
        "cast",
        "services",
        "instances",
        "queues",
        "dead",
        "ping",
        "drain",
        "log",
        "bench",
        "hold",
        "supervise",
    ] {
        assert!(said.out.contains(&format!("\n  {command} ")), "{command} is missing from:\n{}", said.out);
    }
}

#[tokio::test]
async fn a_broker_that_could_not_keep_what_waits_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let (socket, snapshot) = (directory.path().join("b.sock"), directory.path().join("missing/snapshot"));
    let (socket, snapshot) = (format!("unix:{}", socket.display()), snapshot.display().to_string());
    let mut sky = command();
    sky.args(["broker", "--listen", &socket, "--snapshot", &snapshot]);
    let said = run(sky, "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains(&format!("--snapshot: no snapshot can be written to {snapshot}")), "{said:?}");
}

#[tokio::test]
async fn a_number_that_is_none_is_said_in_plain_words() {
    let mut sky = command();
    sky.args(["dead", "show", "greeter.v1", "x"]);
    let said = run(sky, "").await;
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "sky: <NUMBER>: \"x\" is no whole number; see `sky help dead show`\n")
    );
}

#[tokio::test]
async fn a_second_broker_on_one_socket_is_refused() {
    let ground = Ground::new().await;
    let said = ground.sky(&["broker", "--listen", &ground.url]).await;
    assert_eq!(said.code, 111, "{said:?}");
    // Whoever reads its log reads that, too.
    let line: serde_json::Value = serde_json::from_str(said.err.lines().last().unwrap()).unwrap();
    assert_eq!(line["level"], "ERROR");
    let message = line["fields"]["message"].as_str().unwrap();
    assert!(message.starts_with("another broker is listening on unix:"), "{said:?}");

    let mut text = ground.command(&["broker", "--listen", &ground.url]);
    text.env("SKYLOOM_LOG_FORMAT", "text");
    let said = run(text, "").await;
    assert!(said.err.contains("sky: another broker is listening on unix:"), "{said:?}");
}

#[tokio::test]
async fn a_gateway_stays_on_the_loopback_address() {
    let ground = Ground::new().await;
    let said = ground.sky(&["gateway", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("needs TLS and authentication"), "{said:?}");
    // Without a broker, too: a supervisor is not to repeat a mistake.
    let mut sky = command();
    sky.args(["--broker", "unix:/nowhere/b.sock", "gateway", "--listen", "0.0.0.0:0"]);
    assert!(run(sky, "").await.sentence(2).contains("needs TLS and authentication"));
    let said = ground.sky(&["gateway", "--listen", "nowhere"]).await;
    assert!(said.sentence(2).contains("\"nowhere\" is no address: write it as 127.0.0.1:8080"), "{said:?}");
}

#[tokio::test]
async fn an_event_that_nobody_hears_is_said() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let said = ground.ok(&["publish", "foo.bar", "{}"]).await;
    assert!(said.err.contains("nobody listens to foo.bar: "), "{said:?}");
    let mut ear = ground.command(&["listen", "foo.bar", "-n", "1"]);
    let mut ear = ear.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    // The broker knows of it a moment after it says that it listens.
    let known = async { while !ground.ok(&["queues"]).await.out.contains("foo.bar") {} };
    tokio::time::timeout(PATIENCE, known).await.expect("somebody listens");
    let said = ground.ok(&["publish", "foo.bar", "{}"]).await;
    assert_eq!(said.err, "");
    ear.wait().unwrap();
}

#[tokio::test]
async fn a_name_that_nobody_gave_is_not_blamed_on_a_flag() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("my cluster.toml"), "[broker]\n").unwrap();
    for (more, sentence) in [
        (&[][..], "\"my cluster\" cannot be the cluster's name: "),
        (&["--name", "shop", "--user", "a b"], "--user: \"a b\" is no name: use letters"),
    ] {
        let mut sky = command();
        sky.args(["supervise", "systemd", "my cluster.toml"]).args(more).current_dir(directory.path());
        let said = run(sky, "").await;
        assert!(said.sentence(2).starts_with(sentence), "{said:?}");
        assert_eq!(said.err.contains("; --name gives another"), more.is_empty(), "{said:?}");
    }
}

#[tokio::test]
async fn what_every_command_takes_is_apart_in_its_help() {
    let mut sky = command();
    sky.args(["new", "--help"]);
    let said = run(sky, "").await;
    let (own, all) = said.out.split_once("\nOptions of every command:\n").unwrap();
    assert!(own.contains("--broker <BROKER>") && own.contains("--gateway"), "{own}");
    assert!(!all.contains("--broker") && all.contains("--registry") && all.contains("--json"), "{all}");
}
