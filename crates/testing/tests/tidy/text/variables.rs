//! What tests are told by the environment reaches the programs that they start, which refuse variables of Skyloom's that
//! they do not know.

use crate::{finding::Finding, tree::TextFile};

/// Taken apart, so that this file passes its own rule.
const REFUSED: &str = concat!("SKYLOOM_", "TEST_");

pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| line.contains(REFUSED));
    let advice = format!("programs that inherit a variable `{REFUSED}…` do not start; call it `TEST_…`");
    lines.map(|(index, _)| Finding::new(&file.path, index + 1, "variable", advice.clone())).collect()
}

#[test]
fn a_variable_that_programs_would_refuse_is_found() {
    let file = TextFile::sample("a.sh", &format!("TEST_A=1\nSKYLOOM_LEASE=1s\n{REFUSED}A=1\n"));
    assert_eq!(crate::finding::found(&check(&file)), [(3, "variable")]);
}
