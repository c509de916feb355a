//! The Dockerfile of each project makes an image that runs.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use skyloom::Settings;
use toml::Table;

use crate::{
    image::{Image, Instruction, instructions},
    tools::{cargo, ok, take_lock_file},
    variant::{BROKERS, Variant},
};

/// A project, with the lock file that its author commits.
fn made(directory: &Path, template: &'static str, name: &str) -> std::path::PathBuf {
    let project = Variant::new(template, name).by_sky(directory);
    take_lock_file(&project);
    ok(cargo(&project).args(["tree", "--quiet", "--offline"]));
    // What was built before is no part of an image, and whoever clones may keep files to himself.
    fs::create_dir_all(project.join("target/release")).unwrap();
    fs::set_permissions(project.join("skyloom.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    project
}

/// Looks at an image: it has a program that starts, reads the configuration that lies beside it, and may be read by the
/// user that it runs as.
fn runs(image: &Image, folder: &Path) {
    assert_eq!((image.user.as_str(), image.stop.as_str()), ("nobody", "SIGTERM"));
    assert!(image.is_readable(), "its user may not read it");
    let broker = ("SKYLOOM_BROKER", format!("unix:{}/none.sock", folder.display()));
    let output = image.run((broker.0, &broker.1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(111) && said.contains("no broker at unix:"), "{output:?}");
    let file = image.file("skyloom.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\nwrong = true\n").unwrap();
    let output = image.run((broker.0, &broker.1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("skyloom.toml"), "{output:?}");
}

#[test]
fn each_kind_of_project_makes_one() {
    for (template, name) in [("service", "parcels"), ("gateway", "rim")] {
        let directory = tempfile::tempdir().unwrap();
        let project = made(directory.path(), template, name);
        let folder = directory.path().join("image");
        runs(&Image::build(&project, &folder, &[]).unwrap(), directory.path());
        assert!(!folder.join("build/build/.git").exists(), "the repository is no part of it");
    }
    let directory = tempfile::tempdir().unwrap();
    let project = made(directory.path(), "workspace", "shop");
    for service in ["greeter", "visits"] {
        let folder = directory.path().join(service);
        runs(&Image::build(&project, &folder, &[("SERVICE", service)]).unwrap(), directory.path());
    }
    let Err(said) = Image::build(&project, &directory.path().join("none"), &[]) else {
        panic!("it is made of nothing")
    };
    assert!(said.contains("name the service: --build-arg SERVICE=greeter"), "{said}");
}

/// What those images that are built above say is what all say.
#[test]
fn every_variant_has_the_same_instructions_and_tells_what_its_configuration_does() {
    let directory = tempfile::tempdir().unwrap();
    for template in ["service", "gateway", "workspace"] {
        let expected = dockerfile(directory.path(), &Variant::new(template, "first"));
        for broker in BROKERS {
            let variant = Variant { broker, contract_first: template == "service", ..Variant::new(template, broker) };
            let project = variant.by_sky(&directory.path().join(template));
            let text = fs::read_to_string(project.join("Dockerfile")).unwrap();
            let renamed: Vec<Instruction> =
                expected.iter().map(|(name, rest)| (name.clone(), rest.replace("first", broker))).collect();
            assert_eq!(instructions(&text), renamed, "{variant:?}");
            tells_the_truth(&text, &project, broker);
        }
    }
}

fn dockerfile(directory: &Path, variant: &Variant) -> Vec<Instruction> {
    let project = variant.by_sky(&directory.join(variant.template));
    let text = fs::read_to_string(project.join("Dockerfile")).unwrap();
    let instructions = instructions(&text);
    let bases: Vec<&str> =
        instructions.iter().filter(|(name, _)| name == "FROM").map(|(_, rest)| rest.as_str()).collect();
    let rust = env!("CARGO_PKG_RUST_VERSION");
    // Both of one Debian: a program that was built on a later one finds no C library.
    assert_eq!(bases, [format!("rust:{rust}-slim-bookworm AS build"), "debian:bookworm-slim".to_owned()]);
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("rust-version = \"{rust}\"")), "{manifest}");
    instructions
}

/// What a Dockerfile's first lines say is so: the broker's URL, its features, and how long an end takes.
fn tells_the_truth(text: &str, project: &Path, broker: &str) {
    let (comment, _) = text.split_once("\nFROM ").unwrap();
    let drain = Settings::default().drain.as_secs();
    assert!(comment.contains(&format!("docker stop -t {}", drain + 10)), "{comment}");
    assert!(comment.contains(&format!("drains for up to {drain} s")), "{comment}");
    let url = comment.split_once("SKYLOOM_BROKER=").unwrap().1.split_whitespace().next().unwrap();
    let configuration: Table = fs::read_to_string(project.join("skyloom.toml")).unwrap().parse().unwrap();
    let configured = configuration["default"].get("broker").and_then(|url| url.as_str());
    // The embedded broker is of one host; what is told instead is the one that the configuration has as an example.
    assert_eq!(configured.is_none(), broker == "local");
    let configured = configured.unwrap_or("nats://127.0.0.1:4222");
    let general = configured.replace("127.0.0.1", "HOST").replace("guest:guest", "USER:PASSWORD");
    assert_eq!(url, general, "{comment}");
    assert_eq!(comment.contains("SKYLOOM_REGISTRY="), ["amqp", "beanstalk"].contains(&broker), "{comment}");
}
