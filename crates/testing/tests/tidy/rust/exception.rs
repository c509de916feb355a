//! An exception from a lint has a reason.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::source::{Place, Source, each_token};
use crate::finding::Finding;

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.place != Place::Material {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        exceptions(source.tokens.clone(), &mut |attribute| {
            let line = attribute.span_open().start().line;
            if !has_reason(attribute.stream()) && !has_comment(attribute, &lines) {
                let advice = "has no reason; write a `//` line above it that says why the lint is wrong here";
                findings.push(source.finding(line, "exception", advice));
            }
        });
    }
    findings
}

/// Calls `see` with the brackets of every `allow` and `expect`.
fn exceptions(tokens: TokenStream, see: &mut dyn FnMut(&Group)) {
    let mut marked = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) => {
                if marked && group.delimiter() == Delimiter::Bracket && says(group.stream(), &["allow", "expect"]) {
                    see(group);
                }
                exceptions(group.stream(), see);
                marked = false;
            }
            TokenTree::Punct(mark) => marked = mark.as_char() == '#' || marked && mark.as_char() == '!',
            TokenTree::Ident(_) | TokenTree::Literal(_) => marked = false,
        }
    }
}

/// Whether an attribute is one of these, or applies one of them under a condition.
fn says(attribute: TokenStream, names: &[&str]) -> bool {
    let mut tokens = attribute.into_iter();
    let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(inner))) = (tokens.next(), tokens.next()) else {
        return false;
    };
    let is = |word: &proc_macro2::Ident| names.iter().any(|name| word == name);
    let conditional = name == "cfg_attr"
        && inner.stream().into_iter().any(|token| matches!(token, TokenTree::Ident(word) if is(&word)));
    is(&name) || conditional
}

fn has_reason(attribute: TokenStream) -> bool {
    let mut found = false;
    each_token(attribute, &mut |token| found |= matches!(token, TokenTree::Ident(word) if word == "reason"));
    found
}

/// Whether a comment stands directly above, above the attributes that follow it, or behind.
fn has_comment(attribute: &Group, lines: &[&str]) -> bool {
    let (first, last) = (attribute.span_open().start().line, attribute.span_close().end().line);
    let above = lines.iter().take(first - 1).rev().find(|line| !line.starts_with("#["));
    let behind = lines.get(last - 1).and_then(|line| line.rsplit_once("] "));
    above.is_some_and(|line| line.starts_with("// ")) || behind.is_some_and(|(_, rest)| rest.starts_with("// "))
}

#[cfg(test)]
mod tests {
    use super::{super::source::Source, check};
    use crate::finding::found;

    fn in_text(text: &str) -> Vec<(usize, &'static str)> {
        found(&check(&Source::parse("src/a.rs", text).unwrap()))
    }

    #[test]
    fn an_exception_without_a_reason_is_found() {
        assert_eq!(in_text("//! A.\n#[allow(dead_code)]\nfn f() {}\n"), [(2, "exception")]);
        assert_eq!(in_text("//! A.\n/// Docs are no reason.\n#[expect(dead_code)]\nfn f() {}\n"), [(3, "exception")]);
        assert_eq!(in_text("//! A.\n#![allow(dead_code)]\n"), [(2, "exception")]);
        assert_eq!(in_text("//! A.\n#[cfg_attr(unix, allow(dead_code))]\nfn f() {}\n"), [(2, "exception")]);
        assert_eq!(in_text("//! A.\nfn f() { quote! { #[allow(dead_code)] } }\n"), [(2, "exception")]);
        let next = "//! A.\n#[allow(dead_code)]\nfn f() {}\n#[expect(unused, reason = \"so\")]\nfn g() {}\n";
        assert_eq!(in_text(next), [(2, "exception")]);
    }

    #[test]
    fn a_reason_is_accepted_wherever_it_may_stand() {
        assert_eq!(in_text("//! A.\n// Because.\n#[allow(dead_code)]\nfn f() {}\n"), []);
        assert_eq!(in_text("//! A.\n// Because.\n#[must_use]\n#[allow(dead_code)]\nfn f() -> u8 { 1 }\n"), []);
        assert_eq!(in_text("//! A.\n#[allow(dead_code)] // because\nfn f() {}\n"), []);
        assert_eq!(in_text("//! A.\n#[expect(\n    dead_code,\n    reason = \"because\",\n)]\nfn f() {}\n"), []);
        assert_eq!(in_text("//! A.\nconst S: &str = \"#[allow(dead_code)]\";\n#[must_use]\nfn allow() {}\n"), []);
    }
}
