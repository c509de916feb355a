//! What is secret is not shown, whoever shows the configuration or the environment.

use std::{fs, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::ground::{Said, command, run, until};

/// What is in no answer.
const SECRET: &str = "hunter2";

/// A configuration and a cluster file full of secrets.
fn place() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let settings = format!(
        "store = 'redis://ada:{SECRET}@h/1', api_key = '{SECRET}', db = {{ user = 'ada', password = '{SECRET}' }}, \
         headers = {{ authorization = 'Bearer {SECRET}' }}, cookie_ttl = '5m'"
    );
    fs::write(directory.path().join("skyloom.toml"), format!("[service.\"shop@1\"]\nsettings = {{ {settings} }}\n"))
        .unwrap();
    let cluster = |name: &str, env: &str| {
        let text = format!("[broker]\n[services.shop]\ncommand = ['sh', '-c', 'exit 1']\nenv = {env}\n");
        fs::write(directory.path().join(name), text).unwrap();
    };
    cluster("good.toml", &format!("{{ API_TOKEN = '{SECRET}', B = 'redis://:{SECRET}@h' }}"));
    cluster("spaced.toml", &format!("{{ API_TOKEN = '{SECRET} ' }}"));
    cluster("listed.toml", &format!("{{ API_TOKEN = ['{SECRET}'] }}"));
    cluster("text.toml", &format!("'API_TOKEN={SECRET}'"));
    directory
}

/// `sky` there, with more secrets in its environment.
fn secretive(directory: &Path, arguments: &[&str]) -> Command {
    let mut sky = command();
    sky.args(arguments).current_dir(directory);
    sky.env("SKYLOOM_BROKER", format!("nats://{SECRET}@127.0.0.1:9")).env("SKYLOOM_SETTINGS_TOKENS", SECRET);
    sky
}

async fn sky(directory: &Path, arguments: &[&str]) -> Said {
    let said = run(secretive(directory, arguments), "").await;
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{said:?}");
    said
}

#[tokio::test]
async fn sky_config_shows_which_secrets_there_are_and_not_what_they_are() {
    let place = place();
    let said = sky(place.path(), &["config", "shop@1"]).await;
    let line = |key: &str| -> Vec<String> {
        let found = said.out.lines().find(|line| line.starts_with(&format!("{key} ")));
        found
            .unwrap_or_else(|| panic!("{said:?}"))
            .split("  ")
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(line("settings.api_key")[1].trim(), "***");
    assert_eq!(line("settings.tokens")[1].trim(), "***");
    assert_eq!(line("settings.store")[1].trim(), "redis://ada:***@h/1");
    assert_eq!(line("settings.db")[1].trim(), "{ password = ***, user = \"ada\" }");
    assert_eq!(line("settings.cookie_ttl")[1].trim(), "5m");
    assert_eq!(line("broker")[1].trim(), "nats://***@127.0.0.1:9");

    let said = sky(place.path(), &["config", "shop@1", "--json"]).await;
    let rows = said.json();
    let row = rows.as_array().unwrap().iter().find(|row| row["key"] == "settings.headers").unwrap();
    assert_eq!(row["value"], "{ authorization = *** }");
}

#[tokio::test]
async fn neither_doctor_nor_supervise_shows_a_secret() {
    let place = place();
    for file in ["listed.toml", "text.toml"] {
        for command in [["doctor", file].as_slice(), &["up", file], &["supervise", "systemd", file]] {
            let said = sky(place.path(), command).await;
            assert!(said.out.contains(" here, as in ") || said.err.contains(" here, as in "), "{said:?}");
        }
    }
    let said = sky(place.path(), &["doctor", "good.toml"]).await;
    assert!(said.out.contains("nats://***@127.0.0.1:9"), "{said:?}");
    for supervisor in ["systemd", "daemontools"] {
        let said = sky(place.path(), &["supervise", supervisor, "good.toml"]).await;
        assert_eq!(said.code, 0, "{said:?}");
    }
    let said = sky(place.path(), &["supervise", "daemontools", "spaced.toml"]).await;
    assert!(said.sentence(2).contains("shop.1: API_TOKEN: envdir takes away spaces"), "{said:?}");
}

#[tokio::test]
async fn sky_up_shows_no_secret() {
    let place = place();
    let screen = place.path().join("screen.log");
    let mut sky = secretive(place.path(), &["up", "good.toml"]);
    let mut up = sky.stderr(fs::File::create(&screen).unwrap()).spawn().unwrap();
    let said = || fs::read_to_string(&screen).unwrap();
    until("a start and an end", || said().contains("it is started anew in ")).await;
    kill_process(Pid::from_child(&up), Signal::TERM).unwrap();
    assert!(up.wait().unwrap().success(), "{}", said());
    assert!(said().contains("the broker is nats://***@127.0.0.1:9") && !said().contains(SECRET), "{}", said());
}
