//! The configuration: which layer wins, and what each mistake says.

use std::{collections::BTreeMap, fs, time::Duration};

use skyloom::config::{ConfigError, LogFormat, OwnSettings, Settings, Sources};

struct Case {
    directory: tempfile::TempDir,
    sources: Sources,
}

fn case(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Case {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("skyloom.toml");
    fs::write(&path, file).expect("a file");
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let sources = Sources {
        file: Some(path),
        service: Some("links@1".to_owned()),
        environment: environment.iter().map(owned).collect(),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    Case { directory, sources }
}

fn mistake(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> String {
    let case = case(file, environment, flags);
    let error: ConfigError = Settings::load(&case.sources).expect_err("a mistake");
    error.to_string().replace(&format!("{}/", case.directory.path().display()), "")
}

const LAYERS: &str = r#"
[default]
region = "default"
lease = "1s"
timeout = "1s"
drain = "1s"
concurrency = 1

[service]
lease = "2s"
timeout = "2s"
drain = "2s"
concurrency = 2

[service."links@1"]
timeout = "3s"
drain = "3s"
concurrency = 3
settings = { base_url = "http://file" }

[service."qr@1"]
region = "of another"
"#;

#[test]
fn the_later_layer_wins() {
    let environment = [("SKYLOOM_DRAIN", "4s"), ("SKYLOOM_CONCURRENCY", "4"), ("HOME", "/root")];
    let case = case(LAYERS, &environment, &["--concurrency=5", "--log-format", "json", "--busy-poll", "off"]);
    let settings = Settings::load(&case.sources).unwrap();
    assert_eq!(settings.region, "default");
    assert_eq!(settings.lease, Duration::from_secs(2));
    assert_eq!(settings.timeout, Duration::from_secs(3));
    assert_eq!(settings.drain, Duration::from_secs(4));
    assert_eq!(settings.concurrency, 5);
    assert_eq!(settings.log_format, LogFormat::Json);
    assert!(!settings.busy_poll);
    assert_eq!(settings.max_attempts, 5, "the built-in default");
    assert!(Settings::default().busy_poll);
}

#[derive(Debug, serde::Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Own {
    base_url: String,
    pages: Option<u32>,
}

#[test]
fn a_service_reads_its_own_settings() {
    let from_file = Settings::load(&case(LAYERS, &[], &[]).sources).unwrap();
    assert_eq!(from_file.own::<Own>().unwrap(), Own { base_url: "http://file".to_owned(), pages: None });
    let environment = [("SKYLOOM_SETTINGS_BASE_URL", "http://env")];
    let both = Settings::load(&case(LAYERS, &environment, &["--settings.pages=7"]).sources).unwrap();
    assert_eq!(both.own::<Own>().unwrap(), Own { base_url: "http://env".to_owned(), pages: Some(7) });
    let mistyped = case(LAYERS, &[("SKYLOOM_SETTINGS_PAGE", "1")], &[]);
    let wrong = Settings::load(&mistyped.sources).unwrap();
    let sentence = wrong.own::<Own>().unwrap_err().to_string();
    let expected =
        "environment variable SKYLOOM_SETTINGS_PAGE: there is no key \"settings.page\"; did you mean \"pages\"?";
    assert_eq!(sentence, expected);
    let missing = Settings::load(&Sources::default()).unwrap().own::<Own>().unwrap_err().to_string();
    assert!(missing.starts_with("the service's settings: ") && missing.contains("base_url"), "{missing}");
}

#[test]
fn a_mistake_in_a_secret_does_not_show_it() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "it is not read")]
    struct Keys {
        api_token: u32,
    }
    let settings = Settings::load(&case("", &[("SKYLOOM_SETTINGS_API_TOKEN", "hunter2")], &[]).sources).unwrap();
    let sentence = settings.own::<Keys>().unwrap_err().to_string();
    assert!(sentence.contains("invalid type: string ***") && sentence.contains("api_token"), "{sentence}");
}

#[test]
fn each_mistake_names_its_key_and_its_place() {
    assert_eq!(
        mistake("[default]\nregion = \"x\"\nbrokr = \"local:\"\n", &[], &[]),
        "skyloom.toml, line 3: there is no key \"brokr\"; did you mean \"broker\"?"
    );
    assert_eq!(
        mistake("[service.\"links@1\"]\nlease = \"2x\"\n", &[], &[]),
        "skyloom.toml, line 2: lease: \"2x\" is not a time: write a number and ms, s, m or h, such as 500ms or 2s"
    );
    assert_eq!(
        mistake("[service]\nconcurrency = 0\n", &[], &[]),
        "skyloom.toml, line 2: concurrency: \"0\" is not a whole number of at least 1"
    );
    assert_eq!(
        mistake("[service]\nconcurrency = 4294967296\n", &[], &[]),
        "skyloom.toml, line 2: concurrency: \"4294967296\" is too much: give at most 4294967295"
    );
    assert_eq!(
        mistake("[services]\n", &[], &[]),
        "skyloom.toml, line 1: there is no key \"services\"; did you mean \"service\"?"
    );
    let not_toml = mistake("[default]\nregion = = 3\n", &[], &[]);
    assert!(not_toml.starts_with("skyloom.toml is not TOML: line 2: "), "{not_toml}");
    assert_eq!(
        mistake("", &[("SKYLOOM_LEAES", "1s")], &[]),
        "environment variable SKYLOOM_LEAES: there is no key \"leaes\"; did you mean \"lease\"?"
    );
    assert_eq!(
        mistake("", &[], &["--log_format", "xml"]),
        "flag --log_format: log_format: \"xml\" is none of auto, text, json, journal"
    );
    assert_eq!(mistake("", &[], &["--broker"]), "command line: --broker: a value is missing after it");
    assert_eq!(mistake("", &[], &["--lese"]), "flag --lese: there is no key \"lese\"; did you mean \"lease\"?");
    for (line, what) in [
        ("concurrency = \"4\"", "a whole number belongs here, as in concurrency = 4, and not a string"),
        ("lease = 10", "a time in quotes belongs here, as in lease = \"10s\", and not an integer"),
        ("busy_poll = false", "a word in quotes belongs here, as in busy_poll = \"off\", and not a boolean"),
        ("busy_poll = \"no\"", "\"no\" is none of on, off"),
        ("settings = \"x\"", "a table belongs here, as in settings = { key = \"value\" }, and not a string"),
    ] {
        let key = line.split(' ').next().unwrap();
        assert_eq!(mistake(&format!("[default]\n{line}\n"), &[], &[]), format!("skyloom.toml, line 2: {key}: {what}"));
    }
    assert_eq!(
        mistake("[default]\nlog = \"info,links=debgu\"\n", &[], &[]),
        "skyloom.toml, line 2: log: \"debgu\" is no level to log; did you mean \"debug\"?"
    );
    assert_eq!(
        mistake("[service.links]\nlease = \"2s\"\n", &[], &[]),
        "skyloom.toml, line 1: there is no key \"links\"; a section of one service has its version: [service.\"links@1\"]"
    );
    assert!(mistake("", &[], &["serve"]).contains("flags begin with --"));
    #[cfg(feature = "nats")]
    assert_eq!(
        mistake("", &[("SKYLOOM_BROKER", "nats://h?mode=cor")], &[]),
        "environment variable SKYLOOM_BROKER: broker: option mode of the broker's URL is \"cor\", which is not one of \
         jetstream, core"
    );
    for (key, text, reason) in [
        ("broker", "zzz", "\"zzz\" names no broker: use local:, "),
        ("broker", "unix:here", "the socket path \"here\" is relative; give an absolute one"),
        ("broker", "tcp://10.0.0.1:1", "10.0.0.1:1 is not a loopback address: "),
        ("broker", "nats://h:0", "\"h:0\" in the broker's URL has a port that is no number"),
        ("registry", "amqp://h", "amqp keeps no registry of instances: name a broker that does"),
        ("listen", "nowhere", "\"nowhere\" is no address: write it as 127.0.0.1:8080"),
    ] {
        let said = mistake(&format!("[default]\n{key} = \"{text}\"\n"), &[], &[]);
        assert!(said.starts_with(&format!("skyloom.toml, line 2: {key}: {reason}")), "{said}");
    }
}

#[test]
fn a_number_that_is_too_large_is_named_with_what_it_may_be() {
    for own in
        ["limit = 9223372036854775808", "limit = [1, -9223372036854775809]", "inner = { limit = 0xffffffffffffffff }"]
    {
        let key = if own.starts_with("inner") { "inner.limit" } else { "limit" };
        assert_eq!(
            mistake(&format!("[default]\nlease = \"2s\"\n[service.settings]\n{own}\n"), &[], &[]),
            format!(
                "skyloom.toml, line 4: settings.{key}: a whole number goes from -9223372036854775808 to 9223372036854775807"
            )
        );
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "it is not read")]
    struct Numbers {
        port: u16,
        #[serde(default)]
        shift: Vec<i8>,
    }
    let said = |text: &str, environment: &[(&str, &str)]| {
        let case = case(text, environment, &[]);
        let sentence = Settings::load(&case.sources).unwrap().own::<Numbers>().unwrap_err().to_string();
        sentence.replace(&case.sources.file.clone().unwrap().display().to_string(), "skyloom.toml")
    };
    assert_eq!(
        said("[service]\nlease = \"2s\"\nsettings = { port = 70000 }\n", &[]),
        "skyloom.toml, line 3: settings.port: invalid type: 64-bit unsigned integer `70000`, expected a whole number from 0 \
         to 65535"
    );
    assert_eq!(
        said("", &[("SKYLOOM_SETTINGS_PORT", "70000")]),
        "environment variable SKYLOOM_SETTINGS_PORT: settings.port: invalid type: 64-bit unsigned integer `70000`, expected \
         a whole number from 0 to 65535"
    );
    assert_eq!(
        said("[service]\nsettings = { port = 80, shift = [1, -129] }\n", &[]),
        "skyloom.toml, line 2: settings.shift[1]: invalid type: 64-bit integer `-129`, expected a whole number from -128 to \
         127"
    );
}

#[test]
fn a_section_of_one_service_has_its_version() {
    for name in ["links@v1", "links@", "@1"] {
        assert_eq!(
            mistake(&format!("[service.\"{name}\"]\nlease = \"2s\"\n"), &[], &[]),
            format!(
                "skyloom.toml, line 1: {name}: a section of one service has its name and its version, a number, as in links@1"
            )
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sources = Sources { file: Some("/nowhere/skyloom.toml".into()), ..Sources::default() };
    let sentence = Settings::load(&sources).unwrap_err().to_string();
    assert!(sentence.starts_with("cannot read /nowhere/skyloom.toml: "), "{sentence}");
}

#[test]
fn a_configuration_is_read_anew_from_where_it_was_read() {
    let case = case("[default]\nlog = \"info\"\n", &[("SKYLOOM_LEASE", "4s")], &[]);
    let file = case.sources.file.clone().unwrap();
    let old = Settings::load(&case.sources).unwrap();
    fs::write(&file, "[default]\nlog = \"debug\"\nlease = \"9s\"\n[service.\"links@1\"]\nsettings = { a = 1 }\n")
        .unwrap();
    let new = old.reload().unwrap().expect("it was read from a file");
    assert_eq!((new.log.as_str(), new.lease), ("debug", Duration::from_secs(4)), "the environment still wins");
    let keys: Vec<_> = old.changes(&new).iter().map(|change| (change.key, change.live)).collect();
    assert_eq!(keys, [("log", true), ("settings", false)]);
    fs::write(&file, "[default]\nlgo = \"debug\"\n").unwrap();
    assert!(new.reload().unwrap_err().to_string().contains("line 2: there is no key \"lgo\"; did you mean \"log\"?"));
    assert!(Settings::default().reload().unwrap().is_none(), "the program has made it");
}

#[test]
fn the_page_about_every_key_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = fs::read_to_string(path).unwrap_or_default();
    assert!(page == skyloom::config::reference(), "write it anew: sky config --reference > docs/configuration.md");
}

#[test]
fn own_settings_keep_what_is_empty_and_every_key() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Own {
        list: Vec<u32>,
        map: BTreeMap<String, u32>,
        inner: Inner,
        large: u64,
        ratio: f64,
        negative: i64,
        absent: Option<bool>,
    }
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Inner {
        by_host: BTreeMap<String, Vec<bool>>,
        nothing: BTreeMap<String, String>,
    }
    let by_host = BTreeMap::from([("a.example".to_owned(), vec![true]), ("b[0]".to_owned(), vec![])]);
    let own = Own {
        list: Vec::new(),
        map: BTreeMap::new(),
        inner: Inner { by_host, nothing: BTreeMap::new() },
        large: u64::MAX,
        ratio: 0.5,
        negative: -1,
        absent: None,
    };
    let settings = Settings { settings: OwnSettings::of(&own).unwrap(), ..Settings::default() };
    assert_eq!(settings.own::<Own>().unwrap(), own);
    let refused = OwnSettings::of(&[1, 2]).unwrap_err().to_string();
    assert!(refused.starts_with("the service's settings: they are no keys with values; "), "{refused}");

    let text = "[service]\nsettings = { list = [], map = {}, inner = { by_host = { \"a.example\" = [true], \"b[0]\" = [] }, \
                nothing = {} }, large = 1, ratio = 0.5, negative = -1 }\n";
    let read = Settings::load(&case(text, &[], &[]).sources).unwrap().own::<Own>().unwrap();
    assert_eq!(read, Own { large: 1, ..own });
}

#[test]
fn a_program_gives_what_it_knows_and_leaves_the_rest() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        base_url: String,
        limits: Vec<u32>,
        #[serde(default)]
        password: Option<String>,
    }
    let own = Own { base_url: "http://here".to_owned(), limits: vec![1, 2], password: Some("secret".to_owned()) };
    let settings =
        Settings { drain: Duration::from_secs(3), settings: OwnSettings::of(&own).unwrap(), ..Settings::default() };
    assert_eq!((settings.drain, settings.lease), (Duration::from_secs(3), Duration::from_secs(30)));
    assert_eq!(settings.own::<Own>().unwrap(), own);
    assert!(settings.reload().unwrap().is_none(), "it was not read from anywhere");
    assert!(!format!("{settings:?}").contains("secret"));

    // What was read is changed in the same way, and is read anew.
    let case = case("[service]\nlease = \"2s\"\n", &[], &[]);
    let mut settings = Settings::load(&case.sources).unwrap();
    settings.concurrency = 4;
    assert_eq!((settings.lease, settings.concurrency), (Duration::from_secs(2), 4));
    assert_eq!(settings.reload().unwrap().unwrap().concurrency, 64);
    settings.sources = None;
    assert!(settings.reload().unwrap().is_none());
}
