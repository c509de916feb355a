//! The rules for text of any kind: scripts, Markdown, and marks that are left over.

mod changelog;
mod links;
mod marks;
mod shell;
mod variables;

use std::path::Path;

use crate::{finding::Finding, tree::TextFile};

/// Everything that is wrong with this file as text; `root` is where its path starts.
pub(crate) fn check(root: &Path, file: &TextFile) -> Vec<Finding> {
    let mut findings = marks::check(file);
    findings.extend(shell::check(file));
    findings.extend(variables::check(file));
    findings.extend(changelog::check(file));
    findings.extend(links::check(file, &|path| root.join(path).exists()));
    findings
}
