//! A link to a file in Markdown leads to a file.

use crate::{finding::Finding, tree::TextFile};

/// `exists` says whether there is something at a path that starts at the root of the workspace.
pub(super) fn check(file: &TextFile, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.extension() != "md" {
        return findings;
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fenced = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line) {
            let leads = joined(folder, target).is_some_and(|path| exists(&path));
            if !leads {
                let advice =
                    format!("`{target}` is not there; correct the link, its path starts at this file's folder");
                findings.push(Finding::new(&file.path, index + 1, "link", advice));
            }
        }
    }
    findings
}

/// The paths that a line links to; addresses and places on the same page are left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    // What stands between backticks is code.
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|prose| prose.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
    let reference = line.starts_with('[').then(|| line.split_once("]: ")).flatten().map(|(_, target)| target.trim());
    inline
        .chain(reference)
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
}

/// A relative path seen from the root, or `None` if it leaves the workspace.
fn joined(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::{finding::found, tree::TextFile};

    fn wrong(text: &str) -> Vec<(usize, &'static str)> {
        let there = ["docs/wire.md", "README.md", "crates"];
        found(&check(&TextFile::sample("docs/start.md", text), &|path| there.contains(&path)))
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        assert_eq!(wrong("# A\n\nSee [wire](wire.md) and [this](lost.md).\n"), [(3, "link")]);
        assert_eq!(wrong("[a](../../elsewhere.md)"), [(1, "link")]);
        assert_eq!(wrong("![a](a.png \"title\")"), [(1, "link")]);
        assert_eq!(wrong("[a]: lost.md\n"), [(1, "link")]);
        assert_eq!(wrong("[`a`](lost.md)"), [(1, "link")]);
    }

    #[test]
    fn links_that_lead_somewhere_are_right() {
        assert_eq!(wrong("[a](wire.md#guids), [b](../README.md) [c](./../crates/)\n"), []);
        assert_eq!(wrong("[a](https://example.org/x) [b](#here) [c](mailto:a@example.org)\n"), []);
        assert_eq!(wrong("```\n[a](lost.md)\n```\n`[a](lost.md)`\n"), []);
        assert_eq!(wrong("[a]: wire.md\n[b]: https://example.org\n"), []);
    }
}
