//! Which program of which package a service is.

use std::path::{Path, PathBuf};

use super::metadata::{Metadata, Package};
use crate::text::did_you_mean;

/// One program of a cargo package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    /// The workspace that it is built in.
    pub(super) workspace: PathBuf,
    /// The package's id.
    pub(super) package: String,
    /// The program's name.
    pub(super) name: String,
}

/// The keys of the cluster file that say it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Where the `Cargo.toml` is.
    pub(super) directory: &'a Path,
    /// The package; without one, the package of the directory itself.
    pub(super) package: Option<&'a str>,
    /// The program, if the package has several.
    pub(super) bin: Option<&'a str>,
}

/// Finds the program.
///
/// # Errors
/// A sentence that names what there is.
pub(super) fn find(metadata: &Metadata, asked: Asked<'_>) -> Result<Program, String> {
    let package = package(metadata, asked)?;
    let name = program(package, asked.bin)?;
    Ok(Program { workspace: metadata.workspace_root.clone(), package: package.id.clone(), name })
}

fn package<'a>(metadata: &'a Metadata, asked: Asked<'_>) -> Result<&'a Package, String> {
    let members = || metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id));
    let root = metadata.workspace_root.display();
    let Some(name) = asked.package else {
        let manifest = asked.directory.join("Cargo.toml");
        return members().find(|package| is_same(&package.manifest_path, &manifest)).ok_or_else(|| {
            let directory = asked.directory.display();
            format!("source: {directory} holds no package of its own; say which one with package = \"NAME\"")
        });
    };
    members().find(|package| package.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, members().map(|package| package.name.as_str()));
        let names: Vec<&str> = members().map(|package| package.name.as_str()).collect();
        let hint = if hint.is_empty() { format!("; there are {}", names.join(", ")) } else { hint };
        format!("package: the workspace {root} has no package {name:?}{hint}")
    })
}

/// A path may lead through a link.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn program(package: &Package, wanted: Option<&str>) -> Result<String, String> {
    let name = &package.name;
    let programs: Vec<&str> =
        package.targets.iter().filter(|target| target.is_program()).map(|target| target.name.as_str()).collect();
    if let Some(wanted) = wanted {
        return programs.iter().find(|program| **program == wanted).map(|program| (*program).to_owned()).ok_or_else(
            || {
                let hint = did_you_mean(wanted, programs.iter().copied());
                format!("bin: the package {name} has no program {wanted:?}{hint}")
            },
        );
    }
    let usual = package.default_run.as_deref().or_else(|| programs.iter().copied().find(|program| program == name));
    match (usual, programs.as_slice()) {
        (Some(usual), _) => Ok(usual.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => Err(format!("package: {name} is a library and has no program; add a src/main.rs to it")),
        (None, several) => {
            let first = several.first().copied().unwrap_or_default();
            Err(format!(
                "the package {name} has several programs: {}; say which, as bin = {first:?}",
                several.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let package = |name: &str, programs: &[&str], default_run: Option<&str>| {
            let targets: Vec<_> =
                programs.iter().map(|name| serde_json::json!({ "name": name, "kind": ["bin"] })).collect();
            serde_json::json!({ "id": format!("id#{name}"), "name": name, "source": null, "targets": targets,
                "manifest_path": format!("/ws/{name}/Cargo.toml"), "default_run": default_run })
        };
        serde_json::from_value(serde_json::json!({
            "packages": [
                package("orders", &["orders", "tool"], None),
                package("stock", &["stockd"], None),
                package("shared", &[], None),
                package("many", &["a", "b"], None),
                package("chosen", &["a", "b"], Some("b")),
            ],
            "workspace_members": ["id#orders", "id#stock", "id#shared", "id#many", "id#chosen"],
            "workspace_root": "/ws",
            "resolve": null,
        }))
        .unwrap()
    }

    fn found(directory: &str, package: Option<&str>, bin: Option<&str>) -> Result<String, String> {
        find(&metadata(), Asked { directory: Path::new(directory), package, bin }).map(|program| program.name)
    }

    #[test]
    fn the_usual_program_is_taken() {
        assert_eq!(found("/ws", Some("orders"), None).unwrap(), "orders");
        assert_eq!(found("/ws/stock", None, None).unwrap(), "stockd");
        assert_eq!(found("/ws", Some("chosen"), None).unwrap(), "b");
        assert_eq!(found("/ws", Some("many"), Some("a")).unwrap(), "a");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let cases = [
            (found("/ws", Some("order"), None), "the workspace /ws has no package \"order\"; did you mean orders?"),
            (found("/ws", Some("zzz"), None), "no package \"zzz\"; there are orders, stock, shared, many, chosen"),
            (found("/ws", Some("shared"), None), "shared is a library and has no program"),
            (found("/ws", Some("many"), None), "several programs: a, b; say which, as bin = \"a\""),
            (found("/ws", Some("orders"), Some("tol")), "no program \"tol\"; did you mean tool?"),
            (found("/ws", None, None), "source: /ws holds no package of its own; say which one"),
        ];
        for (found, part) in cases {
            let sentence = found.unwrap_err();
            assert!(sentence.contains(part), "{sentence}");
        }
    }
}
