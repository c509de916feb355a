//! The changelog has a place for the next change.

use crate::{finding::Finding, tree::TextFile};

const HEADING: &str = "## [Unreleased]";

pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    if file.path != "CHANGELOG.md" || file.text.lines().any(|line| line == HEADING) {
        return Vec::new();
    }
    let advice = format!("has no section `{HEADING}`; add it above the newest version");
    vec![Finding::new(&file.path, 1, "changelog", advice)]
}

#[test]
fn a_changelog_without_its_section_is_found() {
    let wrong = |path, text| crate::finding::found(&check(&TextFile::sample(path, text)));
    assert_eq!(wrong("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n"), []);
    assert_eq!(wrong("CHANGELOG.md", "# Changelog\n\n## [0.1.0]\n"), [(1, "changelog")]);
    assert_eq!(wrong("README.md", "# Skyloom\n"), []);
}
