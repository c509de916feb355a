//! Data and contracts: read by the parser that reads them in earnest.

use std::{fs, process::Command};

use skyloom::config::{Settings, Sources};
use skyloom_testing::programs::{program, root};

use crate::page::{Block, Page};

/// What is wrong with a block of data; nothing if it is right.
pub(crate) fn check(page: &Page, block: &Block) -> Result<(), String> {
    let wrong = |sentence: String| format!("{}: {sentence}", page.place(block));
    match block.language.as_str() {
        "json" => {
            serde_json::from_str::<serde_json::Value>(&block.code).map(drop).map_err(|error| wrong(error.to_string()))
        }
        "toml" => toml(block).map_err(wrong),
        "proto" => proto(block).map_err(wrong),
        other => Err(wrong(format!("{other:?} is no data"))),
    }
}

fn toml(block: &Block) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("block.toml");
    fs::write(&file, &block.code).unwrap();
    match file_of(block) {
        "skyloom.toml" => {
            let sources = Sources { file: Some(file), ..Sources::default() };
            Settings::load(&sources).map(drop).map_err(|error| error.to_string())
        }
        "cluster.toml" => {
            let output = Command::new(program("sky")).args(["up", "--check"]).arg(&file).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(()) } else { Err(said) }
        }
        "Cargo.toml" => block.code.parse::<toml::Table>().map(drop).map_err(|error| error.to_string()),
        other => Err(format!("TOML of which file? {other:?} is none of skyloom.toml, cluster.toml, Cargo.toml")),
    }
}

/// The file that a block of TOML is of: the one that it names, or the one that has such sections.
fn file_of(block: &Block) -> &str {
    let of = [
        ("Cargo.toml", &["package", "dependencies", "dev-dependencies", "build-dependencies", "workspace"][..]),
        ("skyloom.toml", &["default", "service"]),
        ("cluster.toml", &["broker", "gateway", "services"]),
    ];
    let table = block.code.parse::<toml::Table>().unwrap_or_default();
    let known = of.iter().find(|(_, sections)| table.keys().any(|key| sections.contains(&key.as_str())));
    match (block.name.as_str(), known) {
        ("", Some((file, _))) => file,
        (name, _) => name,
    }
}

fn proto(block: &Block) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("block.proto");
    fs::write(&file, &block.code).unwrap();
    let protos = root().join("proto");
    protox::compile([&file], [directory.path(), &protos]).map(drop).map_err(|error| format!("{error:?}"))
}
