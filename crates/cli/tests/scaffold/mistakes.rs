//! Each mistake is one sentence, and nothing is written.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    tools::{cargo_generate, checkout, cluster_file, ok, sky, take_lock_file},
    tree::files,
};

/// What `sky new` says of these arguments, which it must refuse.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let before = files(folder);
    let output = sky(folder).arg("new").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    assert_eq!(files(folder), before, "{arguments:?} has written something");
    let said = String::from_utf8(output.stderr).unwrap();
    let sentence = said.strip_prefix("sky: ").unwrap_or_else(|| panic!("{said}")).trim_end().to_owned();
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence
}

#[test]
fn names_that_cannot_be() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |name: &str| refused(directory.path(), &[name]);
    assert_eq!(refused("match"), "\"match\" is a keyword of Rust: choose another name, such as match-service");
    assert_eq!(refused("OrderBook"), "\"OrderBook\" has capitals: write it as \"order-book\"");
    assert!(refused("../orders").contains("write small words joined by hyphens, each beginning with a letter"));
    assert!(refused("Ördnung").contains("is no name"));
    assert!(refused("gateway").contains("is a part of every cluster"));
    assert!(refused(&"x".repeat(300)).contains("has 300 characters: a name has at most 30"));
}

#[test]
fn a_project_without_a_name() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refused(directory.path(), &[]).contains("has no name: write it after `sky new`, such as orders"));
    assert!(refused(directory.path(), &["--workspace"]).contains("has no name"));
}

#[test]
fn values_that_are_none_of_the_choices() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |flag: &str, value: &str| refused(directory.path(), &["orders", flag, value]);
    let brokers = "--broker \"nat\" is none of local, nats, redis, amqp, beanstalk; did you mean nats?";
    assert_eq!(refused("--broker", "nat"), brokers);
    assert_eq!(refused("--skyloom", "pth=x"), "--skyloom: \"pth\" is none of version, git, path; did you mean path?");
    assert!(refused("--skyloom", "../skyloom").contains("write version=0.1, git="));
    assert!(refused("--skyloom", "path=nowhere").contains("--skyloom path=nowhere: there is no such folder"));
    assert!(refused("--skyloom", "path=.").contains("it has no crates/skyloom"));
}

#[test]
fn folders_that_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("orders")).unwrap();
    fs::write(directory.path().join("orders/notes.txt"), "mine").unwrap();
    fs::write(directory.path().join("a-file"), "").unwrap();
    let refused = |arguments: &[&str]| refused(directory.path(), arguments);
    let sentence = refused(&["orders"]);
    assert!(sentence.ends_with("/orders is not empty, it has notes.txt: choose another with --dir"), "{sentence}");
    assert!(refused(&["links", "--dir", "orders"]).contains("is not empty"));
    assert!(refused(&["links", "--dir", "a-file"]).contains("is there already, and no folder"));
    assert!(refused(&["links", "--dir", "a-file/links"]).contains("a-file/links"));
}

#[test]
fn a_name_that_the_workspace_has_already() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir_all(root.join("services/stock")).unwrap();
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"services/*\"]\n").unwrap();
    fs::write(root.join("services/stock/Cargo.toml"), "[package]\nname = \"orders\"\n").unwrap();
    let sentence = refused(&root.join("services"), &["orders"]);
    assert!(sentence.contains("there is a package \"orders\" in "), "{sentence}");
    assert!(sentence.ends_with("/services/stock already: choose another name"), "{sentence}");
    let sentence = refused(&root.join("services"), &["shop", "--workspace"]);
    assert!(sentence.contains("a workspace cannot be within another"), "{sentence}");
}

#[test]
fn an_empty_folder_is_taken_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("orders")).unwrap();
    let output = sky(directory.path()).args(["new", "orders"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("sky call orders.v1.Orders/Hello"), "{said}");
    assert!(said.contains("\n  sky up cluster.toml --watch "), "{said}");
    assert!(directory.path().join("orders/src/service.rs").is_file());
}

#[test]
fn a_workspace_is_told_of_its_new_member() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("Cargo.toml"), "[workspace]\nmembers = [\"services/*\"]\n").unwrap();
    let output = sky(directory.path()).args(["new", "orders"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("add \"orders\" to the members of the workspace in "), "{said}");
}

/// A workspace on NATS, made by `sky new`.
fn shop(directory: &Path) -> PathBuf {
    let origin = format!("path={}", checkout().display());
    let arguments = ["new", "shop", "--workspace", "--broker", "nats://mq:4222", "--skyloom", &origin];
    ok(sky(directory).args(arguments));
    directory.join("shop")
}

#[test]
fn a_member_is_on_the_workspaces_broker_and_its_entry_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let shop = shop(directory.path());
    let output = ok(sky(&shop.join("services")).args(["new", "orders"]));
    let orders = shop.join("services/orders");
    let text = |file: &str| fs::read_to_string(orders.join(file)).unwrap();
    assert!(text("Cargo.toml").contains("features = [\"nats\"]"), "{}", text("Cargo.toml"));
    assert!(text("skyloom.toml").contains("\nbroker = \"nats://mq:4222\"\n"), "{}", text("skyloom.toml"));
    assert!(!text("cluster.toml").contains("[broker]"), "{}", text("cluster.toml"));
    let said = String::from_utf8(output.stderr).unwrap();
    let entry = "[services.orders]\npackage = \"orders\"\n";
    let file = shop.canonicalize().unwrap().join("cluster.toml");
    assert_eq!(said.trim_end(), format!("sky: add its entry to {}:\n\n{entry}", file.display()).trim_end());
    // With the entry it is a part of the cluster.
    fs::write(&file, format!("{}\n{entry}", fs::read_to_string(&file).unwrap())).unwrap();
    let said = String::from_utf8(ok(sky(&shop).args(["up", "cluster.toml", "--check"])).stderr).unwrap();
    assert!(said.contains("it starts visits, greeter, orders, gateway"), "{said}");
    // What is asked for wins, and nothing is said of a part that is there.
    fs::remove_dir_all(&orders).unwrap();
    let output = ok(sky(&shop.join("services")).args(["new", "orders", "--broker", "local"]));
    assert_eq!((output.stderr.as_slice(), text("Cargo.toml").contains("nats")), (&b""[..], false));
}

#[test]
fn a_gateway_of_a_workspace_is_told_its_entry_too() {
    let directory = tempfile::tempdir().unwrap();
    let shop = shop(directory.path());
    let output = ok(sky(&shop.join("services")).args(["new", "edge", "--gateway"]));
    let file = shop.canonicalize().unwrap().join("cluster.toml");
    let (place, line) = (file.display(), "package = \"edge\"\n");
    let said = String::from_utf8(output.stderr).unwrap();
    let sentence = format!("sky: write this into [gateway] of {place}, instead of `sky gateway`:\n\n{line}");
    assert_eq!(said.trim_end(), sentence.trim_end());
    // With that it is the cluster's gateway.
    let text = fs::read_to_string(&file).unwrap().replace("[gateway]\n", &format!("[gateway]\n{line}"));
    fs::write(&file, text).unwrap();
    take_lock_file(&shop);
    assert_eq!(cluster_file(&shop)["state"], "ok", "{}", cluster_file(&shop));
}

#[test]
fn a_workspace_whose_cluster_file_is_broken_is_told_so_with_the_entry() {
    let directory = tempfile::tempdir().unwrap();
    let shop = shop(directory.path());
    let file = shop.canonicalize().unwrap().join("cluster.toml");
    fs::write(&file, "[gateway\nport = 8080\n").unwrap();
    for (arguments, entry) in [
        (&["new", "orders"][..], "[services.orders]\npackage = \"orders\""),
        (&["new", "edge", "--gateway"], "[gateway]\npackage = \"edge\""),
    ] {
        let said = String::from_utf8(ok(sky(&shop.join("services")).args(arguments)).stderr).unwrap();
        let place = file.display();
        let sentence = format!(
            "sky: {place} is no TOML, so whether it has an entry is not known: mend it (`sky up {place} --check` says \
             where), and see that it has\n\n{entry}"
        );
        assert_eq!(said.trim_end(), sentence);
    }
    let check = sky(&shop).args(["up", "cluster.toml", "--check"]).output().unwrap();
    assert!(String::from_utf8(check.stderr).unwrap().contains("cluster.toml: line 1: this is no TOML"));
}

#[test]
fn a_folder_that_cannot_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let output = sky(directory.path()).args(["new", "orders", "--dir", "/proc/orders"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("sky: cannot make the folder /proc/orders: "), "{said}");
    assert!(said.trim_end().ends_with("; choose another with --dir"), "{said}");
}

#[test]
fn places_that_skyloom_cannot_come_from() {
    for (way, place, what) in [("version", "abc", "no version"), ("git", "not a url", "no repository")] {
        let directory = tempfile::tempdir().unwrap();
        let sentence = refused(directory.path(), &["orders", "--skyloom", &format!("{way}={place}")]);
        assert!(sentence.contains(what), "{sentence}");
        let template = checkout().join("templates/service");
        let mut generate = cargo_generate(directory.path());
        generate.args(["--path", template.to_str().unwrap(), "--name", "orders"]);
        for value in ["broker=local", "contract=code", "streaming=false", "event=false", "skyloom_tag="] {
            generate.args(["--define", value]);
        }
        generate.args(["--define", &format!("skyloom={way}"), "--define", &format!("skyloom_{way}={place}")]);
        let output = generate.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(&format!("skyloom_{way}")), "{output:?}");
        assert_eq!(files(directory.path()).keys().collect::<Vec<_>>(), [".cargo-generate-config.toml"]);
    }
}

#[test]
fn a_project_that_finds_no_room_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // No file may have more than one block of the shell's, as if the disk were full; the first ones are smaller.
    let without_room = |name: &str| {
        let sky = sky(directory.path());
        let line = format!("trap '' XFSZ; ulimit -f 1; exec \"$0\" new {name}");
        let output =
            Command::new("sh").args(["-c", &line]).arg(sky.get_program()).current_dir(directory.path()).output();
        String::from_utf8(output.unwrap().stderr).unwrap()
    };
    let said = without_room("orders");
    assert!(said.starts_with("sky: cannot write ") && said.contains("File too large"), "{said}");
    assert!(!directory.path().join("orders").exists());
    fs::create_dir(directory.path().join("links")).unwrap();
    assert_eq!(without_room("links"), said.replace("orders", "links"));
    assert!(files(&directory.path().join("links")).is_empty());
    ok(sky(directory.path()).args(["new", "orders"]));
}
