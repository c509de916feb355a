//! A file has one idea and a function fits on a screen.

use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn, spanned::Spanned, visit::Visit};

use super::source::{Place, Source};
use crate::finding::Finding;

/// Lines of a source file; the mean aimed for is 130.
const FILE: usize = 400;
/// Lines of a file of tests: cases add up, but a file that is longer hides what it covers.
const TEST_FILE: usize = 800;
/// Lines of a function, from its `fn` to its closing brace; the text that a test expects is data.
const FUNCTION: usize = 70;

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    if source.place == Place::Material {
        return Vec::new();
    }
    let mut functions = Functions { source, findings: Vec::new() };
    functions.visit_file(&source.file);
    let lines = source.text.lines().count();
    let limit = if source.place == Place::Test { TEST_FILE } else { FILE };
    if lines > limit {
        let advice = format!("has {lines} lines, more than {limit}; split it by idea");
        functions.findings.push(source.finding(limit + 1, "file length", advice));
    }
    functions.findings
}

struct Functions<'a> {
    source: &'a Source<'a>,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = signature.span().start().line;
        let last = block.span().end().line;
        let lines = self.source.lines().filter(|(line, _)| (first..=last).contains(line)).count();
        if lines > FUNCTION {
            let advice =
                format!("`{}` has {lines} lines, more than {FUNCTION}; take a step out of it", signature.ident);
            self.findings.push(self.source.finding(first, "function length", advice));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::Source, FILE, FUNCTION, TEST_FILE, check};
    use crate::finding::found;

    fn file_of(path: &str, lines: usize) -> Vec<(usize, &'static str)> {
        let text = format!("//! A.\n{}", "\n".repeat(lines - 1));
        found(&check(&Source::parse(path, &text).unwrap()))
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(file_of("src/a.rs", FILE), []);
        assert_eq!(file_of("src/a.rs", FILE + 1), [(FILE + 1, "file length")]);
        assert_eq!(file_of("tests/a.rs", TEST_FILE), []);
        assert_eq!(file_of("tests/a.rs", TEST_FILE + 1), [(TEST_FILE + 1, "file length")]);
        assert_eq!(file_of("tests/fixtures/a.rs", TEST_FILE + 1), []);
    }

    fn function_of(before: &str, lines: usize, after: &str) -> Vec<(usize, &'static str)> {
        let text = format!("//! A.\n{before}\nfn f() {{{}}}\n{after}", "\n".repeat(lines - 1));
        found(&check(&Source::parse("src/a.rs", &text).unwrap()))
    }

    #[test]
    fn lines_inside_a_string_are_no_code() {
        let text = format!("//! A.\nfn f() {{\n    g(\"{}\")\n}}\n", "\n".repeat(FUNCTION));
        assert_eq!(found(&check(&Source::parse("src/a.rs", &text).unwrap())), []);
    }

    #[test]
    fn a_long_function_is_found_wherever_it_stands() {
        assert_eq!(function_of("", FUNCTION, ""), []);
        assert_eq!(function_of("", FUNCTION + 1, ""), [(3, "function length")]);
        assert_eq!(function_of("impl A {", FUNCTION + 1, "}"), [(3, "function length")]);
        assert_eq!(function_of("trait A {", FUNCTION + 1, "}"), [(3, "function length")]);
        assert_eq!(function_of("mod m {", FUNCTION + 1, "}"), [(3, "function length")]);
    }
}
