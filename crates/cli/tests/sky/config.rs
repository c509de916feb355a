//! `sky config`: what applies, and whether a service's section is one.

use std::{fs, process::Command};

use crate::{
    ground::{Ground, command, run, until},
    site::free_port,
};

#[tokio::test]
async fn a_service_of_which_nothing_is_known_is_doubted() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    fs::write(ground.directory.path().join("skyloom.toml"), "[service.\"links@1\"]\nlease = '7s'\n").unwrap();
    for known in ["links@1", "echo@1", "gateway@1"] {
        assert_eq!(ground.ok(&["config", known]).await.err, "", "{known}");
    }
    let said = ground.ok(&["config", "echo@2"]).await;
    let hint = "this is what every service gets; did you mean echo@1?";
    assert_eq!(said.err, format!("sky: no section names \"echo@2\", nor does the registry: {hint}\n"));
    assert!(said.out.contains("lease"), "{said:?}");
    let nowhere = format!("--broker=unix:{}", ground.directory.path().join("none.sock").display());
    let said = ground.ok(&["config", "echo@2", &nowhere]).await;
    assert!(
        said.err.contains("no section names \"echo@2\", and the registry, which may know it, cannot be asked"),
        "{said:?}"
    );
}

#[tokio::test]
async fn the_gateways_section_is_that_of_sky_gateway_too() {
    let ground = Ground::new().await;
    let port = free_port();
    let text = format!("[service.\"gateway@1\"]\nlisten = \"127.0.0.1:{port}\"\n");
    fs::write(ground.directory.path().join("skyloom.toml"), text).unwrap();
    let mut gateway = ground.command(&["gateway"]).spawn().unwrap();
    until("the gateway", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}

#[tokio::test]
async fn sky_doctor_finds_a_section_of_no_service() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let text = "[service.\"echo@1\"]\nlease = '7s'\n[service.\"echo@2\"]\nlease = '7s'\n";
    fs::write(ground.directory.path().join("skyloom.toml"), text).unwrap();
    let mut doctor = ground.command(&["doctor", "--json"]);
    doctor.env("SKYLOOM_LISTEN", format!("127.0.0.1:{}", free_port()));
    let rows = run(doctor, "").await.json();
    let found: Vec<_> = rows.as_array().unwrap().iter().filter(|row| row["check"] == "section").collect();
    assert_eq!(found.len(), 1, "{rows}");
    assert_eq!(found[0]["found"], "skyloom.toml, line 3: [service.\"echo@2\"] belongs to no service");
    assert_eq!(found[0]["advice"], "did you mean [service.\"echo@1\"]?");
}

#[tokio::test]
async fn a_configuration_that_is_a_named_pipe_is_refused_and_one_that_is_handed_over_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| {
        let mut sky = command();
        sky.args(arguments).current_dir(directory.path());
        sky
    };
    for name in ["cluster.toml", "skyloom.toml"] {
        assert!(Command::new("mkfifo").arg(directory.path().join(name)).status().unwrap().success());
    }
    let said = run(here(&["config"]), "").await;
    let what = "it is a named pipe; put a file there, or take it away";
    assert_eq!(said.sentence(2), format!("cannot read skyloom.toml: {what}"));
    fs::remove_file(directory.path().join("skyloom.toml")).unwrap();
    let said = run(here(&["up", "--check"]), "").await;
    assert_eq!(said.sentence(2), format!("cannot read the cluster file cluster.toml: {what}"));

    let mut sky = here(&["config"]);
    sky.env("SKYLOOM_CONFIG", "/dev/stdin");
    let said = run(sky, "[default]\nregion = 'eu'\n").await;
    assert!(said.out.contains("/dev/stdin, line 2"), "{said:?}");
    let said = run(here(&["up", "--check", "/dev/stdin"]), "[services.a]\ncommand = ['true']\n").await;
    assert_eq!(said.code, 0, "{said:?}");
}
