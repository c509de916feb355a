//! Each crate takes its package fields, lints and dependencies from the workspace.

use toml::Value;

use super::manifest::Manifest;
use crate::finding::Finding;

const RULE: &str = "inherited";
const FIELDS: [&str; 6] = ["version", "edition", "rust-version", "license", "repository", "publish"];

pub(super) fn check(manifest: &Manifest<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(package) = manifest.table.get("package") else { return findings };
    for field in FIELDS {
        if !inherits(package.get(field)) {
            let advice = format!("has its own `{field}` or none; write `{field}.workspace = true`");
            findings.push(manifest.finding(field, RULE, advice));
        }
    }
    if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(manifest.finding("name", RULE, "has no `description`; say in one line what the crate is"));
    }
    if !inherits(manifest.table.get("lints")) {
        let advice = "does not take the workspace's lints; add `[lints]` with `workspace = true`";
        findings.push(manifest.finding("[lints]", RULE, advice));
    }
    for dependency in manifest.dependencies() {
        if !inherits(Some(&dependency.value)) {
            let name = &dependency.name;
            let advice =
                format!("`{name}` has its own version; list it in the workspace, `{name}.workspace = true` here");
            findings.push(manifest.finding(name, RULE, advice));
        }
    }
    findings
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::{super::manifest::Manifest, FIELDS, check};

    fn good() -> String {
        let fields: String = FIELDS.map(|field| format!("{field}.workspace = true\n")).concat();
        let rest = "[dependencies]\na.workspace = true\nb = { workspace = true, features = ['c'] }\n";
        format!("[package]\nname = 'x'\ndescription = 'X.'\n{fields}{rest}[lints]\nworkspace = true\n")
    }

    fn wrong(text: &str) -> usize {
        check(&Manifest::parse("crates/x/Cargo.toml", text).unwrap()).len()
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let good = good();
        assert_eq!(wrong(&good), 0);
        for field in FIELDS {
            let own = good.replace(&format!("\n{field}.workspace = true"), &format!("\n{field} = 'own'"));
            assert_eq!(wrong(&own), 1, "{field}");
        }
        for (part, worse) in [
            ("[lints]\nworkspace = true", ""),
            ("[lints]\nworkspace = true", "[lints.rust]\nmissing_docs = 'allow'"),
            ("'X.'", "''"),
            ("a.workspace = true", "a = '1'"),
            ("workspace = true, features", "version = '1', features"),
        ] {
            assert_eq!(wrong(&good.replace(part, worse)), 1, "{part} -> {worse}");
        }
    }

    #[test]
    fn the_root_is_no_crate() {
        assert_eq!(wrong("[workspace]\n[workspace.dependencies]\na = '1'\n"), 0);
    }
}
