//! What a newcomer sees of `sky up` when it builds.

use std::{fs, process::Command};

use rustix::process::Signal;

use crate::{
    ground::{example, run, until},
    site::Cluster,
    workspace::{greet, workspace},
};

const FILE: &str = "[broker]\n[gateway]\nport = PORT\n[services.orders]\npackage = 'orders'\n";

/// What is on a screen, without colours.
fn plain(screen: &str) -> String {
    let mut plain = String::new();
    let mut rest = screen;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    (plain + rest).replace("\r\n", "\n")
}

/// `sky up` at a terminal, which `script` gives it, and which has colours.
fn at_a_terminal(cluster: &Cluster) -> Command {
    let sky = cluster.command(&["up", "cluster.toml"]);
    let words = [sky.get_program()].into_iter().chain(sky.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = Command::new("script");
    script.args(["-qefc", &format!("exec {}", line.join(" ")), "/dev/null"]).current_dir(cluster.path(""));
    for (name, value) in sky.get_envs() {
        match value {
            Some(value) if name != "NO_COLOR" => script.env(name, value),
            _ => script.env_remove(name),
        };
    }
    script.env("TERM", "xterm").env("SHELL", "/bin/sh").env_remove("CARGO_TERM_COLOR");
    script
}

#[tokio::test]
async fn at_a_terminal_the_errors_of_a_build_are_shown_once_and_in_colour() {
    let cluster = workspace(FILE);
    let main = cluster.path("orders/src/main.rs");
    fs::write(&main, fs::read_to_string(&main).unwrap().replace("exec()", "exex()")).unwrap();
    let said = run(at_a_terminal(&cluster), "").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("\u{1b}["), "a terminal has colours: {said:?}");
    let screen = plain(&said.out);
    assert_eq!(screen.matches("error[E0599]").count(), 1, "{screen}");
    assert!(screen.contains("--> orders/src/main.rs:3:"), "{screen}");
    assert!(screen.trim_end().ends_with("sky: the build failed, so nothing was started"), "{screen}");
}

#[tokio::test]
async fn a_contract_that_does_not_compile_shows_its_own_line() {
    let cluster = workspace(FILE);
    fs::write(
        cluster.path("orders/orders.proto"),
        "syntax = \"proto3\";\npackage orders.v1;\n\nmessage Order {\n  strin item = 1;\n}\n",
    )
    .unwrap();
    let compile = example("contract");
    let script = format!(
        "fn main() {{\n    let compiled = std::process::Command::new({compile:?}).arg(\"orders.proto\").status();\n    \
         std::process::exit(compiled.unwrap().code().unwrap_or(1))\n}}\n"
    );
    fs::write(cluster.path("orders/build.rs"), script).unwrap();
    let said = cluster.refused(&[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.err.matches("orders.proto:5:3: ").count(), 1, "{}", said.err);
    assert!(said.err.contains("strin"), "what is wrong there: {}", said.err);
    assert!(said.err.ends_with("sky: the build failed, so nothing was started\n"), "{}", said.err);
}

#[tokio::test]
async fn with_release_everything_is_built_with_optimisations() {
    let mut cluster = workspace(FILE);
    cluster.start_and_wait(&["--release", "--watch"]).await;
    assert!(cluster.path("target/release/orders").exists(), "{}", cluster.screen());
    greet(&cluster, "Welcome");
    until("what was built anew", || cluster.get("/v1/hello/Ada").contains("Welcome, Ada!")).await;
    assert!(!cluster.path("target/debug").exists(), "{}", cluster.screen());
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}
