//! A crate's manifest, with its dependencies in one list.

use toml::{Table, Value};

use crate::finding::Finding;

/// What a dependency is for; each kind has its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Normal,
    Build,
    Dev,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) purpose: Purpose,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    pub(crate) path: &'a str,
    text: &'a str,
    pub(crate) table: Table,
}

impl<'a> Manifest<'a> {
    pub(crate) fn parse(path: &'a str, text: &'a str) -> Result<Self, Finding> {
        let wrong =
            |error: toml::de::Error| Finding::new(path, 1, "syntax", format!("is no TOML: {}", error.message()));
        Ok(Self { path, text, table: toml::from_str(text).map_err(wrong)? })
    }

    /// The manifest of the workspace itself describes no crate.
    pub(crate) fn is_crate(&self) -> bool {
        self.table.contains_key("package")
    }

    /// `crates/core`, or `services/qr`.
    pub(crate) fn folder(&self) -> &'a str {
        self.path.strip_suffix("/Cargo.toml").unwrap_or_default()
    }

    pub(crate) fn package(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let mut all = Vec::new();
        let of_targets = self.table.get("target").and_then(Value::as_table);
        let tables = of_targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        for table in tables.chain([&self.table]) {
            for (key, purpose) in [
                ("dependencies", Purpose::Normal),
                ("build-dependencies", Purpose::Build),
                ("dev-dependencies", Purpose::Dev),
            ] {
                let listed = table.get(key).and_then(Value::as_table).into_iter().flatten();
                all.extend(listed.map(|(name, value)| Dependency {
                    name: name.clone(),
                    purpose,
                    value: value.clone(),
                }));
            }
        }
        all
    }

    /// The line that begins with this key, or the first.
    pub(crate) fn line(&self, key: &str) -> usize {
        let begins =
            |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        self.text.lines().position(begins).map_or(1, |index| index + 1)
    }

    pub(crate) fn finding(&self, key: &str, rule: &'static str, advice: impl Into<String>) -> Finding {
        Finding::new(self.path, self.line(key), rule, advice)
    }
}

#[test]
fn a_manifest_that_is_no_toml_is_found() {
    let error = Manifest::parse("crates/a/Cargo.toml", "[package\n").unwrap_err();
    assert_eq!(crate::finding::found(&[error]), [(1, "syntax")]);
}

#[test]
fn dependencies_of_every_kind_are_listed() {
    let text = "[dependencies]\na = '1'\n[target.'cfg(unix)'.build-dependencies]\nb = '1'\n[dev-dependencies.c]\n";
    let manifest = Manifest::parse("crates/x/Cargo.toml", text).unwrap();
    let mut found: Vec<_> = manifest.dependencies().into_iter().map(|one| (one.name, one.purpose)).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("a", Purpose::Normal), ("b", Purpose::Build), ("c", Purpose::Dev)];
    assert_eq!(found, expected.map(|(name, purpose)| (name.to_owned(), purpose)));
    assert_eq!(manifest.line("b"), 4);
}
