//! Units for systemd.

use std::{fs, path::Path, process::Command};

use crate::{
    cluster::said,
    kit::{program, root},
};

/// Writes the units of a cluster file.
fn units(file: &Path, environment: &[(&str, &str)], out: &Path, arguments: &[&str]) {
    let written = Command::new(program("sky"))
        .args(["supervise", "systemd", file.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", said(&written));
}

/// What systemd itself says of them.
fn verify(directory: &Path) {
    let found: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let units = found.iter().filter(|path| path.extension().is_some_and(|extension| extension != "env"));
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(units)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", directory.display()))
        .output()
        .expect("systemd-analyze is installed (Debian: apt-get install systemd)");
    assert!(verified.status.success(), "{}", said(&verified));
    let ours = directory.display().to_string();
    let complaints: Vec<String> =
        said(&verified).lines().filter(|line| line.contains(&ours)).map(str::to_owned).collect();
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn the_units_of_the_example_are_as_systemd_wants_them() {
    let directory = tempfile::tempdir().unwrap();
    units(&root().join("services/cluster.toml"), &[], directory.path(), &["--name", "sky", "--user", "daemon"]);
    verify(directory.path());
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    let qr = read("sky-qr@.service");
    for line in [
        "Type=notify",
        "WatchdogSec=30",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
        "User=daemon",
        "NoNewPrivileges=yes",
        "Environment=\"SKYLOOM_BROKER=unix:%t/sky/broker.sock\"",
        "After=sky-broker.service",
    ] {
        assert!(qr.lines().any(|found| found == line), "{line} is missing:\n{qr}");
    }
    assert!(read("sky-links@.service").contains("After=sky-broker.service sky-qr@1.service\n"));
    assert!(read("sky-broker.socket").contains("ListenStream=%t/sky/broker.sock\n"));
    assert!(read("sky-gateway.socket").contains("ListenStream=127.0.0.1:8080\n"));
    assert!(read("sky-broker.service").contains("--snapshot \"%S/sky/broker.snapshot\"\n"));
    assert!(read("sky-broker.service").contains("StateDirectory=sky\n"));
    assert!(read("sky.target").contains("Wants=sky-broker.service "));
}

#[test]
fn instances_are_of_one_template_and_a_password_is_in_no_unit() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    let sh = "command = [\"sh\", \"-c\", \"echo 100% $HOME \\\"quoted\\\"\"]";
    fs::write(&file, format!("[services.orders]\n{sh}\ninstances = 3\nenv = {{ NOTE = \"50%\" }}\n")).unwrap();
    let out = directory.path().join("units");
    units(&file, &[("SKYLOOM_BROKER", "nats://ada:secret@127.0.0.1:4222")], &out, &[]);
    verify(&out);
    let unit = fs::read_to_string(out.join("shop-orders@.service")).unwrap();
    assert!(unit.contains("\"echo 100%% $$HOME \\\"quoted\\\"\""), "{unit}");
    assert!(unit.contains("Environment=\"NOTE=50%%\""), "{unit}");
    assert!(!unit.contains("secret") && unit.contains("EnvironmentFile=%E/shop/shop-orders.env"), "{unit}");
    let secret = out.join("shop/shop-orders.env");
    assert!(fs::read_to_string(&secret).unwrap().contains("SKYLOOM_BROKER=\"nats://ada:secret@127.0.0.1:4222\""));
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(secret).unwrap().permissions()) & 0o777, 0o600);
    let target = fs::read_to_string(out.join("shop.target")).unwrap();
    assert!(target.contains("Wants=shop-orders@1.service shop-orders@2.service shop-orders@3.service\n"), "{target}");
}
