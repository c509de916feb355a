//! `lib.rs` and `mod.rs` are the map of their folder; every file says on its first line what it is.

use syn::{Item, ItemFn};

use super::source::{Place, Source, attributes, for_tests, line_of};
use crate::finding::Finding;

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.place == Place::Material {
        return findings;
    }
    if !source.text.starts_with("//! ") {
        let advice = "does not begin with a `//!` line; say in one sentence what the file is";
        findings.push(source.finding(1, "first line", advice));
    }
    if source.place == Place::Source {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        match name {
            "lib.rs" | "mod.rs" => map_only(source, &source.file.items, &mut findings),
            "main.rs" => {}
            _ => no_children(source, &mut findings),
        }
    }
    findings
}

fn map_only(source: &Source<'_>, items: &[Item], findings: &mut Vec<Finding>) {
    for item in items {
        match item {
            Item::Use(_) | Item::ExternCrate(_) => {}
            Item::Fn(function) if is_proc_macro(function) => {}
            Item::Mod(module) => {
                if let Some((_, content)) = &module.content {
                    map_only(source, content, findings);
                }
            }
            _ => {
                let advice = "is neither `mod` nor `pub use`; move it to a file named after it";
                findings.push(source.finding(line_of(item), "folder map", advice));
            }
        }
    }
}

/// The compiler wants these in the root of their crate.
fn is_proc_macro(function: &ItemFn) -> bool {
    let names = ["proc_macro", "proc_macro_attribute", "proc_macro_derive"];
    function.attrs.iter().any(|attribute| names.iter().any(|name| attribute.path().is_ident(name)))
}

fn no_children(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for item in &source.file.items {
        let Item::Mod(module) = item else { continue };
        if module.content.is_none() && !for_tests(attributes(item)) {
            let advice =
                format!("declares the file of `{}`; make this file a folder and declare it in `mod.rs`", module.ident);
            findings.push(source.finding(line_of(item), "folder map", advice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::Source, check};
    use crate::finding::found;

    fn in_file(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        found(&check(&Source::parse(path, text).unwrap()))
    }

    #[test]
    fn a_file_without_a_first_line_is_found() {
        assert_eq!(in_file("src/a.rs", "//! A.\nuse b::C;\n"), []);
        assert_eq!(in_file("src/a.rs", "use b::C;\n"), [(1, "first line")]);
        assert_eq!(in_file("src/a.rs", "// A.\nuse b::C;\n"), [(1, "first line")]);
        assert_eq!(in_file("tests/a.rs", "\n//! A.\n"), [(1, "first line")]);
        assert_eq!(in_file("tests/ui/a.rs", "fn main() {}\n"), []);
    }

    #[test]
    fn an_item_in_a_map_is_found() {
        let map = "//! A.\nmod a;\npub use a::B;\n#[doc(hidden)]\npub mod private {\n    pub use a::C;\n}\n";
        assert_eq!(in_file("src/lib.rs", map), []);
        assert_eq!(in_file("src/lib.rs", "//! A.\n/// F.\npub fn f() {}\n"), [(3, "folder map")]);
        assert_eq!(in_file("src/a/mod.rs", "//! A.\nstruct S;\n"), [(2, "folder map")]);
        assert_eq!(in_file("src/a/mod.rs", "//! A.\nmod b {\n    const C: u8 = 1;\n}\n"), [(3, "folder map")]);
        assert_eq!(in_file("src/lib.rs", "//! A.\nmacro_rules! m { () => {} }\n"), [(2, "folder map")]);
        assert_eq!(in_file("src/a.rs", "//! A.\nstruct S;\n"), []);
    }

    #[test]
    fn a_proc_macro_may_stand_in_the_root() {
        assert_eq!(
            in_file("src/lib.rs", "//! A.\n#[proc_macro_attribute]\npub fn f(a: T, b: T) -> T { x::f(a, b) }\n"),
            []
        );
    }

    #[test]
    fn a_child_outside_a_map_is_found() {
        assert_eq!(in_file("src/a.rs", "//! A.\nmod b;\n"), [(2, "folder map")]);
        assert_eq!(in_file("src/a.rs", "//! A.\n#[cfg(test)]\nmod tests;\nmod b {}\n"), []);
        assert_eq!(in_file("src/main.rs", "//! A.\nmod b;\nfn main() {}\n"), []);
    }
}
