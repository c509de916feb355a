//! `sky completions`: the names of the running cluster, in real shells.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::ground::{Ground, Said, command, run};

/// What bash offers for the last of these words.
async fn offered(ground: &Ground, words: &[&str]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_BIN_EXE_sky")).parent().unwrap();
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = quoted.last().unwrap();
    // As bash does when somebody presses Tab; `compopt` works only then, and the function does without.
    let script = format!(
        "source <(sky completions bash) && complete -p sky > /dev/null || exit 3\n\
         COMP_WORDS=({words}); COMP_CWORD={index}; COMP_TYPE=9\n\
         _clap_complete_sky sky {last} ''\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words = quoted.join(" "),
        index = words.len() - 1,
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script]).env("SKYLOOM_BROKER", &ground.url).env("LC_ALL", "C");
    let path = std::env::var("PATH").unwrap_or_default();
    bash.env("PATH", format!("{}:{path}", folder.display())).current_dir(ground.directory.path());
    let Said { code, out, err } = run(bash, "").await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    out.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_flags_and_the_names_of_the_cluster() {
    let (ground, _echo, running) = Ground::with_echo().await;
    assert_eq!(offered(&ground, &["sky", "rou"]).await, ["routes"]);
    assert_eq!(offered(&ground, &["sky", "call", "echo.v1.Echo/S"]).await, ["echo.v1.Echo/Say"]);
    let all = offered(&ground, &["sky", "call", "ec"]).await;
    assert_eq!(all, ["Count", "Doze", "Refuse", "Say"].map(|name| format!("echo.v1.Echo/{name}")));
    assert_eq!(offered(&ground, &["sky", "publish", "e"]).await, ["echo.shouted"]);
    assert_eq!(offered(&ground, &["sky", "routes", "e"]).await, ["echo.v1.Echo"]);
    assert_eq!(offered(&ground, &["sky", "config", "ec"]).await, ["echo@1"]);
    assert_eq!(offered(&ground, &["sky", "dead", "list", "echo.v"]).await, ["echo.v1"]);
    let instance = running.instance().to_string();
    for command in ["drain", "ping", "log"] {
        assert_eq!(offered(&ground, &["sky", command, &instance[..4]]).await, [instance.as_str()], "{command}");
    }
    let words = ["sky", "call", "echo.v1.Echo/Say", "--instance", &instance[..4]];
    assert_eq!(offered(&ground, &words).await, [instance.as_str()]);
    assert_eq!(offered(&ground, &["sky", "instances", "--serv"]).await, ["--service"]);
    assert_eq!(offered(&ground, &["sky", "log", &instance, "d"]).await, ["debug"]);
    assert_eq!(offered(&ground, &["sky", "log", "echo"]).await, ["echo.v1.Echo"]);
    assert_eq!(offered(&ground, &["sky", "new", "orders", "--broker", "n"]).await, ["nats"]);
    // The cluster is the one that the command line names.
    let lost = offered(&ground, &["sky", "--broker", "unix:/nowhere.sock", "call", "ec"]).await;
    assert!(lost.iter().all(String::is_empty), "{lost:?}");
}

#[tokio::test]
async fn each_shell_has_its_script() {
    for (shell, part) in [("bash", "complete -o nospace"), ("zsh", "#compdef sky"), ("fish", "complete --keep-order")] {
        let mut sky = command();
        sky.args(["completions", shell]);
        let said = run(sky, "").await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains(part), "{said:?}");
    }
    let mut sky = command();
    sky.args(["completions", "tcsh"]);
    assert!(run(sky, "").await.sentence(2).contains("bash, zsh, fish"));
}

/// What a shell prints of a script, with this broker and with `sky` in its path.
async fn shell(ground: &Ground, words: &[&str]) -> String {
    let sky = Path::new(env!("CARGO_BIN_EXE_sky")).parent().unwrap();
    let path = format!("{}:{}", sky.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new(words[0]);
    shell.args(&words[1..]).env("PATH", path).env("SKYLOOM_BROKER", &ground.url);
    shell.env("HOME", ground.directory.path()).current_dir(ground.directory.path()).stdin(Stdio::null());
    let said = run(shell, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

#[tokio::test]
async fn methods_are_completed_in_zsh() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    // As in a user's .zshrc; what would be shown is printed.
    let script = "autoload -Uz compinit && compinit -D -u; source <(sky completions zsh); _describe() { print -rl -- \
                  \"${(P@)3}\" }; words=(sky call echo.v1.E) CURRENT=3; $_comps[sky]";
    let shown = shell(&ground, &["zsh", "-f", "-c", script]).await;
    let methods: Vec<&str> = shown.lines().collect();
    assert!(methods.iter().any(|method| method.starts_with("echo.v1.Echo/Say")), "{shown}");
    assert!(methods.iter().all(|method| method.starts_with("echo.v1.Echo/")), "{shown}");
}

#[tokio::test]
async fn methods_are_completed_in_fish() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let script = "sky completions fish > sky.fish; source sky.fish; complete -C 'sky call echo.v1.E'";
    let shown = shell(&ground, &["fish", "--no-config", "-c", script]).await;
    let methods: Vec<&str> = shown.lines().collect();
    assert!(methods.iter().any(|method| method.starts_with("echo.v1.Echo/Say")), "{shown}");
    assert!(methods.iter().all(|method| method.starts_with("echo.v1.Echo/")), "{shown}");
}
