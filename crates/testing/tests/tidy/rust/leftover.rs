//! Nothing is left over: no debugging, no stub, no `unsafe`, no commented-out code.

use proc_macro2::{TokenStream, TokenTree};
use syn::Block;

use super::source::{Place, Source};
use crate::finding::Finding;

/// Macros that stand for work to be done or for looking inside.
const MACROS: [&str; 3] = ["dbg", "todo", "unimplemented"];

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.place != Place::Material {
        words(source, source.tokens.clone(), &mut findings);
        comments(source, &mut findings);
    }
    findings
}

fn words(source: &Source<'_>, tokens: TokenStream, findings: &mut Vec<Finding>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => words(source, group.stream(), findings),
            TokenTree::Ident(word) => {
                let called = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '!');
                let line = word.span().start().line;
                if word == "unsafe" {
                    findings.push(source.finding(line, "unsafe", "nothing here needs it; find the safe way"));
                } else if called && MACROS.iter().any(|name| word == name) {
                    let advice = format!("`{word}!` is left over; finish the work or take it out");
                    findings.push(source.finding(line, "leftover", advice));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn comments(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (number, line) in source.lines() {
        let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
        if !comment.starts_with(['/', '!']) && is_code(comment.trim()) {
            let advice = "is code in a comment; take it out, the history has it";
            findings.push(source.finding(number, "commented-out code", advice));
        }
    }
}

/// Whether a comment's line reads as a statement, the head of a block, or its end.
///
/// Prose that ends in a semicolon does not parse, and a single word is let through.
fn is_code(comment: &str) -> bool {
    if ["}", "};", "})", "});", "})?;"].contains(&comment) {
        return true;
    }
    let Ok(tokens) = comment.trim_end_matches('{').parse::<TokenStream>() else { return false };
    let statement = match comment.chars().last() {
        Some(';') => comment.to_owned(),
        Some('{') => format!("{comment}}}"),
        _ => return false,
    };
    tokens.into_iter().count() > 2 && syn::parse_str::<Block>(&format!("{{{statement}}}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{super::source::Source, check, is_code};
    use crate::finding::found;

    fn in_text(text: &str) -> Vec<(usize, &'static str)> {
        found(&check(&Source::parse("src/a.rs", text).unwrap()))
    }

    #[test]
    fn left_over_macros_are_found() {
        assert_eq!(in_text("//! A.\nfn f() {\n    dbg!(1);\n}\n"), [(3, "leftover")]);
        assert_eq!(in_text("//! A.\nfn f() { todo!() }\n"), [(2, "leftover")]);
        assert_eq!(in_text("//! A.\nfn f() { g(|| vec![unimplemented!()]) }\n"), [(2, "leftover")]);
        assert_eq!(in_text("//! A.\nfn todo() { dbg(\"todo!()\") }\n"), []);
    }

    #[test]
    fn unsafe_is_found_inside_macros_too() {
        assert_eq!(in_text("//! A.\nfn f() { unsafe { g() } }\n"), [(2, "unsafe")]);
        assert_eq!(in_text("//! A.\nm! {\n    unsafe impl Send for A {}\n}\n"), [(3, "unsafe")]);
        assert_eq!(in_text("//! A.\n// unsafe\nconst A: &str = \"unsafe\";\n"), []);
    }

    #[test]
    fn commented_out_code_is_found() {
        assert_eq!(in_text("//! A.\n// let a = 1;\n"), [(2, "commented-out code")]);
        assert_eq!(in_text("//! A.\n    // }\n"), [(2, "commented-out code")]);
        assert_eq!(in_text("//! A.\n/// let a = 1;\nstruct A;\n"), []);
        for code in ["use a::b;", "self.a(1);", "if a == b {", "pub fn f(a: u8) {", "return;x();", "a.b()?;"] {
            assert!(is_code(code), "{code}");
        }
    }

    #[test]
    fn prose_is_no_code() {
        let prose = [
            "The broker closed it;",
            "first `a`, then `b`;",
            "nothing;",
            "an empty one: {",
            "it's over;",
            "one unit = 1 ms",
        ];
        for comment in prose {
            assert!(!is_code(comment), "{comment}");
        }
    }
}
