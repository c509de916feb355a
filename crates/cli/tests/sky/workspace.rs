//! A newcomer's workspace, whose programs are built within a second.

use std::{fs, path::Path};

use crate::{ground::hello_program, site::Cluster};

/// A package whose program becomes another one, so that it is built within a second.
fn package(root: &Path, name: &str, becomes: &Path, settings: &str) {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let source = format!(
        "use std::{{os::unix::process::CommandExt, process::Command}};\n\
         fn main() {{\n    let error = Command::new({becomes:?}){settings}.exec();\n    panic!(\"{{error}}\");\n}}\n"
    );
    fs::create_dir_all(root.join(name).join("src")).unwrap();
    fs::write(root.join(name).join("Cargo.toml"), manifest).unwrap();
    fs::write(root.join(name).join("src/main.rs"), source).unwrap();
}

/// The workspace of a newcomer: two services, which are this crate's example, a gateway, and a cluster file.
pub(crate) fn workspace(file: &str) -> Cluster {
    let cluster = Cluster::new(file);
    let root = cluster.path("");
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"orders\", \"stock\", \"front\"]\nresolver = \"3\"\n")
        .unwrap();
    let (hello, sky) = (hello_program(), Path::new(env!("CARGO_BIN_EXE_sky")));
    package(&root, "orders", &hello, ".env(\"SKYLOOM_SETTINGS_GREETING\", include_str!(\"greeting.txt\"))");
    package(&root, "stock", &hello, ".env(\"SKYLOOM_SETTINGS_BYSTANDER\", \"true\")");
    let passed_on = ".env(\"EDITION\", include_str!(\"edition.txt\")).arg(\"gateway\").args(std::env::args().skip(1))";
    package(&root, "front", sky, passed_on);
    greet(&cluster, "Hello");
    edit_gateway(&cluster, "first");
    cluster
}

/// Adds a package to the workspace; its program is a service that nobody calls.
pub(crate) fn add_package(cluster: &Cluster, name: &str) {
    package(&cluster.path(""), name, &hello_program(), ".env(\"SKYLOOM_SETTINGS_BYSTANDER\", \"true\")");
    let manifest = fs::read_to_string(cluster.path("Cargo.toml")).unwrap();
    fs::write(cluster.path("Cargo.toml"), manifest.replace("members = [", &format!("members = [\"{name}\", ")))
        .unwrap();
}

/// Changes what the service `orders` says.
pub(crate) fn greet(cluster: &Cluster, word: &str) {
    fs::write(cluster.path("orders/src/greeting.txt"), word).unwrap();
}

/// Makes another program of the gateway `front`.
pub(crate) fn edit_gateway(cluster: &Cluster, edition: &str) {
    fs::write(cluster.path("front/src/edition.txt"), edition).unwrap();
}
