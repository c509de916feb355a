//! Units for systemd.

use std::{fs, path::Path, process::Command};

use crate::{
    cluster::said,
    kit::{program, root},
};

/// Writes the units of a cluster file; what was said.
fn units(file: &Path, environment: &[(&str, &str)], out: &Path, arguments: &[&str]) -> String {
    let written = Command::new(program("sky"))
        .args(["supervise", "systemd", file.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", said(&written));
    said(&written)
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
        "LimitNOFILE=65536",
        "User=daemon",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "PrivateDevices=yes",
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
    let env = r#"env = { API_PASSWORD = '50%$"hunter2' }"#;
    fs::write(&file, format!("[services.orders]\n{sh}\ninstances = 3\n{env}\n")).unwrap();
    let out = directory.path().join("units");
    units(&file, &[("SKYLOOM_BROKER", "nats://ada:secret@127.0.0.1:4222")], &out, &[]);
    verify(&out);
    let unit = fs::read_to_string(out.join("shop-orders@.service")).unwrap();
    assert!(unit.contains("\"echo 100%% $$HOME \\\"quoted\\\"\""), "{unit}");
    assert!(!unit.contains("API_PASSWORD") && !unit.contains("hunter2"), "{unit}");
    // A user's own manager could start no service with these.
    assert!(!unit.contains("CapabilityBoundingSet") && !unit.contains("PrivateDevices"), "{unit}");
    assert!(!unit.contains("secret") && unit.contains("EnvironmentFile=%E/shop/shop-orders.env"), "{unit}");
    let secret = out.join("shop/shop-orders.env");
    assert_eq!(
        fs::read_to_string(&secret).unwrap(),
        "# of the cluster shop, written by sky supervise systemd.\nAPI_PASSWORD=\"50%\\$\\\"hunter2\"\nSKYLOOM_BROKER=\"nats://ada:secret@127.0.0.1:4222\"\n"
    );
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(secret).unwrap().permissions()) & 0o777, 0o600);
    let target = fs::read_to_string(out.join("shop.target")).unwrap();
    assert!(target.contains("Wants=shop-orders@1.service shop-orders@2.service shop-orders@3.service\n"), "{target}");
}

#[test]
fn a_token_is_in_no_unit() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    fs::write(&file, "[services.orders]\ncommand = [\"sh\"]\n").unwrap();
    let out = directory.path().join("units");
    units(&file, &[("SKYLOOM_BROKER", "nats://secret@127.0.0.1:4222")], &out, &[]);
    let unit = fs::read_to_string(out.join("shop-orders@.service")).unwrap();
    assert!(!unit.contains("secret"), "{unit}");
    let kept = fs::read_to_string(out.join("shop/shop-orders.env")).unwrap();
    assert!(kept.ends_with("\nSKYLOOM_BROKER=\"nats://secret@127.0.0.1:4222\"\n"), "{kept}");
}

#[test]
fn a_snapshot_is_kept_wherever_it_is() {
    // Where a directory is that systemd would give the broker one of its own for, and has a space in its name.
    let directory = tempfile::Builder::new().prefix("a shop").tempdir_in("/tmp").unwrap();
    let file = directory.path().join("shop.toml");
    let absolute = directory.path().join("broker.snapshot").display().to_string();
    // systemd takes no path with two dots in it.
    for (snapshot, place) in [(absolute.as_str(), ""), ("units/../kept/broker.snapshot", "/kept")] {
        let text = format!("[broker]\nlisten = \"unix:/run/shop.sock\"\nsnapshot = \"{snapshot}\"\n");
        fs::write(&file, text).unwrap();
        let out = directory.path().join("units");
        units(&file, &[], &out, &[]);
        verify(&out);
        let unit = fs::read_to_string(out.join("shop-broker.service")).unwrap();
        assert!(unit.contains(&format!("\nReadWritePaths=\"{}{place}\"\n", directory.path().display())), "{unit}");
        assert!(!unit.contains("PrivateTmp"), "{unit}");
    }
}

#[test]
fn what_the_cluster_has_no_more_is_removed_and_what_may_run_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (file, out) = (directory.path().join("shop.toml"), directory.path().join("units"));
    let write = |text: &str| {
        fs::write(&file, text).unwrap();
        units(&file, &[("SKYLOOM_BROKER", "nats://127.0.0.1:4222")], &out, &[])
    };
    let service = |name: &str, rest: &str| format!("[services.{name}]\ncommand = ['sh']\n{rest}\n");
    let secret = "env = { TOKEN = 'x' }";
    let said = write(&format!("[gateway]\n{}{}", service("qr", "instances = 3"), service("old", secret)));
    assert!(!said.contains("any more"), "{said}");
    // What somebody else has put there stays, whatever it is called.
    let mine = ["shop-mine.service", "shop/mine.env", "notes"].map(|name| out.join(name));
    mine.iter().for_each(|path| fs::write(path, "[Unit]\nPartOf=shop.target\n").unwrap());

    let said = write(&service("qr", "instances = 1"));
    for line in [
        &format!("sky: {}/shop-old@.service is no part of the cluster any more, and is removed", out.display()),
        &format!("sky: {}/shop/shop-old.env is no part of the cluster any more, and is removed", out.display()),
        "sky:   systemctl stop shop-old@1.service shop-qr@2.service shop-qr@3.service shop-gateway.service \
         shop-gateway.socket   # no part of the cluster any more",
        "sky:   rm -f /etc/systemd/system/shop-gateway.service /etc/systemd/system/shop-gateway.socket \
         /etc/systemd/system/shop-old@.service /etc/shop/shop-old.env",
    ] {
        assert!(said.lines().any(|found| found == line), "{line}\nis missing from\n{said}");
    }
    let mut left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["notes", "shop", "shop-mine.service", "shop-qr@.service", "shop.target"]);
    assert!(mine.iter().all(|path| path.exists()) && !out.join("shop/shop-old.env").exists());
    assert!(!write(&service("qr", "")).contains("any more"), "said once, it is done");
}

#[test]
fn what_runs_with_what_has_changed_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (file, out) = (directory.path().join("shop.toml"), directory.path().join("units"));
    let write = |port: u16, level: &str, token: &str, instances: u32| {
        let gateway = format!("[gateway]\nport = {port}\n");
        let qr = format!("[services.qr]\ncommand = ['sh']\nenv = {{ TOKEN = '{token}' }}\ninstances = {instances}\n");
        let links = format!("[services.links]\ncommand = ['sh', '{level}']\nafter = ['qr']\n");
        fs::write(&file, gateway + &qr + &links).unwrap();
        let said = units(&file, &[("SKYLOOM_BROKER", "nats://127.0.0.1:4222")], &out, &[]);
        let named = said.lines().find_map(|line| line.strip_prefix("sky:   systemctl try-restart "));
        named.map(|line| line.split("   # ").next().unwrap().to_owned())
    };
    assert_eq!(write(8080, "info", "a", 2), None, "nothing runs yet");
    assert_eq!(write(8080, "info", "a", 2), None, "nothing has changed");
    assert_eq!(write(8080, "debug", "a", 2).as_deref(), Some("shop-links@1.service"));
    assert_eq!(write(8080, "debug", "b", 2).as_deref(), Some("shop-qr@1.service shop-qr@2.service"), "a secret");
    let gateway = "shop-gateway.socket shop-gateway.service";
    assert_eq!(write(8081, "debug", "b", 2).as_deref(), Some(gateway), "its socket goes with it");
    assert_eq!(write(8081, "debug", "b", 3), None, "what is new is started by the target");
}

#[test]
fn a_secret_among_the_arguments_is_named_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    let orders = "[services.orders]\ncommand = ['sh', '--settings.api-key=hunter2', '--log', 'debug']\ninstances = 2\n";
    fs::write(&file, orders.to_owned() + "[gateway]\ncommand = ['sh', '--password', 'hunter2']\n").unwrap();
    let said = units(&file, &[("SKYLOOM_BROKER", "nats://127.0.0.1:4222")], &directory.path().join("units"), &[]);
    for line in [
        "sky: orders: --settings.api-key is a secret among its arguments, and everybody may read shop-orders@.service; give \
         it in env as SKYLOOM_SETTINGS_API_KEY: that is written to shop/shop-orders.env, for its owner alone",
        "sky: gateway: --password is a secret among its arguments, and everybody may read shop-gateway.service; give it \
         in env: that is written to shop/shop-gateway.env, for its owner alone",
    ] {
        assert_eq!(said.lines().filter(|found| *found == line).count(), 1, "{line}\nis not once in\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_programs_see_the_directory_for_temporary_files_that_they_run_in() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile_in("/tmp").unwrap();
    fs::write(&file, "[services.qr]\ncommand = ['sh']\n").unwrap();
    let directory = tempfile::tempdir().unwrap();
    units(file.path(), &[("SKYLOOM_BROKER", "nats://127.0.0.1:4222")], directory.path(), &["--name", "shop"]);
    let unit = fs::read_to_string(directory.path().join("shop-qr@.service")).unwrap();
    assert!(unit.contains("\nWorkingDirectory=/tmp\n") && !unit.contains("PrivateTmp"), "{unit}");
}

#[test]
fn a_configuration_that_a_variable_names_is_that_of_the_units() {
    let directory = tempfile::tempdir().unwrap();
    let (file, out) = (directory.path().join("shop.toml"), directory.path().join("units"));
    let own = directory.path().join("own.toml");
    fs::write(&own, "[default]\nbroker = 'nats://127.0.0.1:4222'\n").unwrap();
    fs::write(&file, "[services.qr]\ncommand = ['sh']\n").unwrap();
    units(&file, &[("SKYLOOM_CONFIG", own.to_str().unwrap())], &out, &[]);
    verify(&out);
    let unit = fs::read_to_string(out.join("shop-qr@.service")).unwrap();
    for line in ["SKYLOOM_BROKER=nats://127.0.0.1:4222".to_owned(), format!("SKYLOOM_CONFIG={}", own.display())] {
        assert!(unit.contains(&format!("\nEnvironment=\"{line}\"\n")), "{line} is missing:\n{unit}");
    }
}
