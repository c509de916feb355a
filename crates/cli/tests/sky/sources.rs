//! `sky up` on services that are built from their sources, and `sky up --watch`.

use std::fs;

use rustix::process::{Pid, Signal, test_kill_process};

use crate::{
    ground::{run, until},
    load::Load,
    site::{Cluster, pid},
    workspace::{greet, workspace},
};

const FILE: &str = "[broker]\n[gateway]\nport = PORT\n[services.orders]\npackage = 'orders'\ninstances = 2\n\
                    [services.stock]\npackage = 'stock'\n";

/// So often the service is replaced under load.
const REPLACED: usize = 20;

#[tokio::test]
async fn no_request_fails_while_a_service_is_replaced_again_and_again() {
    let mut cluster = workspace(FILE);
    let load = Load::on_watched(&mut cluster).await;
    let names = ["orders.1", "orders.2"];
    let pids = |cluster: &Cluster| names.map(|name| pid(&cluster.process(name)));
    let mut before = pids(&cluster);
    for number in 1..=REPLACED {
        let word = format!("Hello{number}");
        greet(&cluster, &word);
        load.sees(&word).await;
        until("both to be replaced", || {
            names.iter().all(|name| cluster.process(name)["starts"] == number + 1)
                && pids(&cluster).iter().zip(&before).all(|(now, before)| now.is_some() && now != before)
        })
        .await;
        before = pids(&cluster);
    }
    let answered = load.end(&cluster).await;
    assert!(answered > 20 * REPLACED as u64, "there was no load: {answered}");
    assert_eq!(cluster.process("stock.1")["starts"], 1, "only what changed is replaced: {}", cluster.screen());
    assert_eq!(cluster.process("gateway")["starts"], 1);

    let last: Vec<Pid> = before.into_iter().flatten().collect();
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
    assert!(last.iter().all(|pid| test_kill_process(*pid).is_err()), "something was left behind");
    let screen = cluster.screen();
    assert_eq!(screen.matches("is ready; the old one finishes its work").count(), 2 * REPLACED, "{screen}");
}

#[tokio::test]
async fn what_does_not_build_or_does_not_start_leaves_the_old_one_running() {
    let mut cluster = workspace(FILE);
    cluster.start_and_wait(&["--watch"]).await;
    let main = cluster.path("orders/src/main.rs");
    let good = fs::read_to_string(&main).unwrap();
    let before = pid(&cluster.process("orders.1"));

    fs::write(&main, good.replace("Command::new", "Command::knew")).unwrap();
    until("the error", || cluster.screen().contains("the build failed; what runs goes on")).await;
    greet(&cluster, "Hello again");
    until("the same error", || cluster.screen().contains("the build failed with the same errors as before")).await;
    let screen = cluster.screen();
    assert_eq!(screen.matches("error[E0599]").count(), 1, "{screen}");
    assert!(screen.contains("orders/src/main.rs:3:26\n"), "{screen}");
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"));

    fs::write(
        &main,
        good.replace("fn main() {", "fn main() {\n    if true { eprintln!(\"no\"); std::process::exit(3) }"),
    )
    .unwrap();
    let word = "the new orders.1 ended with exit code 3 before it was ready; the old one goes on";
    until("the one that ends", || cluster.screen().contains(word)).await;
    assert_eq!(pid(&cluster.process("orders.1")), before);
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"));

    let file = fs::read_to_string(cluster.path("cluster.toml")).unwrap();
    fs::write(cluster.path("cluster.toml"), file + "# a note\n").unwrap();
    let word = "cluster.toml changed; nothing that runs is concerned";
    until("a word about the file", || cluster.screen().contains(word)).await;

    fs::write(&main, good).unwrap();
    greet(&cluster, "Welcome");
    until("the repaired one", || cluster.get("/v1/hello/Ada").contains("Welcome, Ada!")).await;
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn nothing_starts_if_something_does_not_build() {
    let mut cluster = workspace(FILE);
    let main = cluster.path("stock/src/main.rs");
    let good = fs::read_to_string(&main).unwrap();
    fs::write(&main, good.replace("exec()", "exex()")).unwrap();
    let said = cluster.refused(&[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.err.matches("error[E0599]").count(), 1, "{said:?}");
    assert!(said.err.starts_with("sky: building orders, stock\n"), "{said:?}");
    assert!(said.err.ends_with("sky: the build failed, so nothing was started\n"), "{said:?}");
    assert!(!said.err.contains("is started"), "{said:?}");

    // With --watch it waits for the repair.
    cluster.start(&["--watch"]);
    until("the error", || cluster.screen().contains("a change of the sources or of the cluster file tries again"))
        .await;
    fs::write(&main, good).unwrap();
    until("the cluster", || cluster.state()["ready"] == true).await;
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"));
    cluster.signal(Signal::INT);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn what_is_built_while_a_service_waits_is_what_it_starts_as() {
    let file =
        "[broker]\n[services.orders]\npackage = 'orders'\n[services.stock]\npackage = 'stock'\nafter = ['orders']\n";
    let mut cluster = workspace(file);
    let (main, go) = (cluster.path("orders/src/main.rs"), cluster.path("go"));
    let wait = format!("fn main() {{\n    while !std::path::Path::new({go:?}).exists() {{}}");
    fs::write(&main, fs::read_to_string(&main).unwrap().replace("fn main() {", &wait)).unwrap();
    // A file that is not there, in a directory that is not there, is no reason not to watch the others.
    let script = "fn main() { println!(\"cargo:rerun-if-changed=conf/none/missing.env\") }";
    fs::write(cluster.path("orders/build.rs"), script).unwrap();
    cluster.start(&["--watch"]);
    until("orders", || cluster.process("orders.1")["starts"] == 1).await;
    let main = cluster.path("stock/src/main.rs");
    fs::write(&main, fs::read_to_string(&main).unwrap().replace("fn main() {", "fn main() { eprintln!(\"new\");"))
        .unwrap();
    until("the build", || cluster.screen().contains("built; replacing stock")).await;
    fs::write(go, "").unwrap();
    until("the cluster", || cluster.state()["ready"] == true).await;
    assert!(!cluster.screen().contains("stock.1 is started anew"), "{}", cluster.screen());
    assert_eq!(cluster.process("stock.1")["starts"], 1);
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_build_that_is_interrupted_leaves_nothing_running() {
    let up: &[&str] = &["up", "cluster.toml"];
    let supervise: &[&str] = &["supervise", "systemd", "cluster.toml", "--out", "units"];
    for (arguments, signal, done) in [(up, Signal::INT, "started"), (supervise, Signal::TERM, "written")] {
        let cluster = workspace(FILE);
        let file = cluster.path("pid");
        let script = format!(
            "fn main() {{ std::fs::write({file:?}, std::process::id().to_string()).unwrap(); \
             std::thread::sleep(std::time::Duration::from_secs(120)) }}"
        );
        fs::write(cluster.path("orders/build.rs"), script).unwrap();
        let mut sky = cluster.command(arguments);
        let sky = sky.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut pid = None;
        until("cargo runs the script", || {
            pid = fs::read_to_string(&file).ok().and_then(|text| Pid::from_raw(text.parse().ok()?));
            pid.is_some()
        })
        .await;
        rustix::process::kill_process(Pid::from_child(&sky), signal).unwrap();
        let ended = tokio::task::spawn_blocking(|| sky.wait_with_output().unwrap()).await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.ends_with(&format!("ended before it was built: nothing was {done}\n")), "{said}");
        until("the script to end", || pid.is_some_and(|pid| test_kill_process(pid).is_err())).await;
    }
}

#[tokio::test]
async fn what_does_not_build_at_the_start_may_be_taken_out_of_the_file() {
    let mut cluster =
        workspace("[broker]\n[services.orders]\npackage = 'orders'\n[services.stock]\npackage = 'stock'\n");
    fs::write(cluster.path("stock/src/main.rs"), "fn main() { nothing }").unwrap();
    cluster.start(&["--watch"]);
    cluster.says("; a change of the sources or of the cluster file tries again\n").await;
    cluster.edit("package = 'stock'", "pakage = 'stock'");
    cluster.says("sky: cluster.toml: line 5: there is no key \"pakage\"").await;
    cluster.edit("[services.stock]\npakage = 'stock'\n", "");
    until("the cluster", || cluster.state()["ready"] == true).await;
    assert!(cluster.process("stock.1").is_null(), "{}", cluster.screen());
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_supervisor_is_given_what_was_built_for_production() {
    let cluster = workspace(FILE);
    let said = run(cluster.command(&["supervise", "daemontools", "cluster.toml", "--out", "svc"]), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let program = cluster.path("target/release/orders");
    assert!(program.exists(), "{said:?}");
    let folders = fs::read_dir(cluster.path("svc")).unwrap();
    let scripts = folders.filter_map(|folder| fs::read_to_string(folder.unwrap().path().join("run")).ok());
    let naming = scripts.filter(|script| script.contains(&program.display().to_string())).count();
    assert_eq!(naming, 2, "each of the two instances has its script");
    fs::write(cluster.path("stock/src/main.rs"), "fn main() { nothing }").unwrap();
    let said = run(cluster.command(&["supervise", "daemontools", "cluster.toml", "--out", "other"]), "").await;
    assert!(said.err.ends_with("sky: the build failed, so nothing was written\n"), "{said:?}");
    assert!(!cluster.path("other").exists());
}

#[tokio::test]
async fn a_mistake_about_sources_is_one_sentence() {
    for (file, sentence) in [
        ("[broker]\n[services.a]\npackage = 'ordres'\n", "has no package \"ordres\"; did you mean orders?"),
        (
            "[broker]\n[services.a]\nsource = 'nowhere'\n",
            "nowhere does not exist; name the folder that a Cargo.toml is in",
        ),
        (
            "[broker]\n[services.a]\nsource = 'Cargo.toml'\n",
            "Cargo.toml is no folder; name the one that its Cargo.toml is in",
        ),
        (
            "[broker]\n[services.a]\nsource = '..'\n",
            " or any parent directory; name the folder that a Cargo.toml is in",
        ),
        ("[broker]\n[services.a]\nsource = '.'\n", "holds no package of its own; say which one with package"),
        ("[broker]\n[services.a]\nsource = 'stock'\nbin = 'x'\n", "the package stock has no program \"x\""),
        ("[broker]\n[services.a]\npackage = 'stock'\ncommand = ['x']\n", "both command and package say what runs"),
    ] {
        let said = workspace(file).refused(&[]).await;
        assert!(said.sentence(2).starts_with("cluster.toml: line 2: services.a: "), "{said:?}");
        assert!(said.sentence(2).contains(sentence), "{said:?}");
    }
    let said = workspace("[broker]\n[services.a]\ncommand = ['sh']\n").refused(&["--release"]).await;
    assert!(said.sentence(2).contains("has nothing to build; give a service package = \"NAME\""), "{said:?}");
    let lost = Cluster::new("[broker]\n[services.a]\npackage = 'orders'\n");
    let said = lost.refused(&[]).await;
    assert!(said.sentence(2).contains("services.a: package: could not find `Cargo.toml` in `"), "{said:?}");
    assert!(said.sentence(2).ends_with("; say where the package is, with source = \"FOLDER\""), "{said:?}");
    let cluster = workspace("[broker]\n[services.a]\npackage = 'orders'\n");
    let mut sky = cluster.command(&["up", "cluster.toml"]);
    sky.env("CARGO", "/no/such/cargo");
    let said = run(sky, "").await;
    assert!(said.sentence(2).contains("cargo is not in PATH: install Rust from https://rustup.rs"), "{said:?}");
}
