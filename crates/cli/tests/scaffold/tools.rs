//! The two tools, and Cargo for what they make.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The version that the templates are written for.
const CARGO_GENERATE: &str = "0.23.10";

/// This checkout.
pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// `sky` in a folder, without what the environment of the tests may have configured.
pub(crate) fn sky(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sky"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKYLOOM_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null()).current_dir(folder);
    command
}

/// `cargo generate` in a folder, without questions and without the user's own defaults.
pub(crate) fn cargo_generate(folder: &Path) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let empty = folder.join(".cargo-generate-config.toml");
    fs::write(&empty, "").unwrap();
    let mut command = Command::new(PROGRAM.get_or_init(install));
    command.arg("generate").args(["--silent", "--vcs", "none", "--config"]).arg(&empty);
    command.env("CARGO_NAME", "Ada").env("CARGO_EMAIL", "ada@example.org");
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).current_dir(folder);
    command
}

/// Installs `cargo generate` beside what Cargo builds, once.
fn install() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cargo-generate-{CARGO_GENERATE}"));
    let program = root.join("bin/cargo-generate");
    if program.is_file() {
        return program;
    }
    let mut install = Command::new(env!("CARGO"));
    install.args(["install", "--locked", "--debug", &format!("cargo-generate@{CARGO_GENERATE}"), "--root"]).arg(&root);
    // It is not to be told what this workspace is built with.
    install.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS").current_dir(env::temp_dir());
    let has_openssl = Command::new("pkg-config").args(["--exists", "openssl"]).status();
    if !has_openssl.is_ok_and(|status| status.success()) {
        install.args(["--features", "vendored-openssl"]);
    }
    let output = install.output().unwrap();
    assert!(
        output.status.success(),
        "cargo-generate {CARGO_GENERATE} is needed to compare with and cannot be installed; its build needs a C compiler, \
         pkg-config and OpenSSL's headers (Debian: apt-get install gcc pkg-config libssl-dev), or perl and make:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    program
}

/// Cargo for projects that are made by these tests. They share what they build, so that it is built once.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    in_project(&mut command, folder);
    command
}

/// Has a command run in a project, with the target directory of all projects.
/// Programs of one name replace each other there: what a test runs has a name that no other builds.
pub(crate) fn in_project(command: &mut Command, folder: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold");
    command.env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "never").stdin(Stdio::null()).current_dir(folder);
    for name in ["RUSTFLAGS", "RUSTDOCFLAGS", "UPDATE_CONTRACT"] {
        command.env_remove(name);
    }
}

/// The versions of this checkout, which are downloaded already.
pub(crate) fn take_lock_file(folder: &Path) {
    fs::copy(checkout().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// What `sky doctor` finds out about a project's cluster file.
pub(crate) fn cluster_file(project: &Path) -> Value {
    let mut doctor = sky(project);
    // What it says of the broker is no matter here.
    let socket = project.join("b.sock");
    let output = doctor.args(["doctor", "--json", "--broker", &format!("unix:{}", socket.display())]).output().unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    findings.as_array().unwrap().iter().find(|one| one["check"] == "cluster file").cloned().unwrap_or_default()
}

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn ok(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a command that must succeed and have nothing to warn about.
#[track_caller]
pub(crate) fn clean(command: &mut Command) {
    let output = ok(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("warning"), "{command:?}\n{said}");
}
