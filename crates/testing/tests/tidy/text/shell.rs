//! A shell script stops at its first failed step.

use crate::{finding::Finding, tree::TextFile};

const RULE: &str = "shell";
const FIRST: &str = "#!/usr/bin/env bash";
const STRICT: &str = "set -euo pipefail";

pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lines = file.text.lines();
    let first = lines.next().unwrap_or_default();
    let shell = first.starts_with("#!") && first.ends_with("sh");
    if !shell && file.extension() != "sh" {
        return findings;
    }
    let mut find = |line, advice: &str| findings.push(Finding::new(&file.path, line, RULE, advice));
    if first != FIRST {
        find(1, &format!("does not begin with `{FIRST}`; bash is where its user has it"));
    }
    let is_command = |line: &str| !line.is_empty() && !line.starts_with('#');
    let command = lines.enumerate().find(|(_, line)| is_command(line.trim()));
    if command.is_none_or(|(_, line)| line != STRICT) {
        let line = command.map_or(1, |(index, _)| index + 2);
        find(line, &format!("its first command is not `{STRICT}`; without it a failed step goes unnoticed"));
    }
    if !file.executable {
        find(1, "is not executable; run `chmod +x` on it");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::{finding::found, tree::TextFile};

    fn script(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        found(&check(&TextFile::sample(path, text)))
    }

    #[test]
    fn a_script_that_goes_on_after_a_failure_is_found() {
        let good = "#!/usr/bin/env bash\n# Why.\n\nset -euo pipefail\n\necho\n";
        assert_eq!(script("a.sh", good), []);
        assert_eq!(script("a.sh", "#!/usr/bin/env bash\n\necho\nset -euo pipefail\n"), [(3, "shell")]);
        assert_eq!(script("a.sh", "#!/usr/bin/env bash\nset -eu\n"), [(2, "shell")]);
        assert_eq!(script("run", "#!/bin/sh\nset -euo pipefail\n"), [(1, "shell")]);
        assert_eq!(script("a.sh", ""), [(1, "shell"), (1, "shell")]);
        assert_eq!(script("a.py", "#!/usr/bin/env python3\n"), []);
        assert_eq!(script("a.rs", "#![forbid(unsafe_code)]\n"), []);
    }

    #[test]
    fn a_script_that_cannot_be_run_is_found() {
        let text = "#!/usr/bin/env bash\nset -euo pipefail\n";
        let file = TextFile { executable: false, ..TextFile::sample("a.sh", text) };
        assert_eq!(found(&check(&file)), [(1, "shell")]);
    }
}
