//! A parsed Rust file, and what kind of file it is.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, spanned::Spanned};

use crate::finding::Finding;

/// Folders below `tests` whose content is material for a test and not code of ours.
const MATERIAL: [&str; 4] = ["ui", "fixtures", "snapshots", "expand"];

/// What a file is for, and so which rules hold in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Source,
    Test,
    Material,
}

impl Place {
    pub(crate) fn of(path: &str) -> Self {
        let mut folders: Vec<&str> = path.split('/').collect();
        let file = folders.pop().unwrap_or_default();
        let Some(tests) = folders.iter().position(|folder| ["tests", "benches"].contains(folder)) else {
            return if file == "tests.rs" { Self::Test } else { Self::Source };
        };
        let material = folders.iter().skip(tests + 1).any(|folder| MATERIAL.contains(folder));
        if material { Self::Material } else { Self::Test }
    }
}

/// A file that parsed, and what the rules ask of it.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) place: Place,
    pub(crate) file: syn::File,
    pub(crate) tokens: TokenStream,
    /// Lines that begin inside a string; what stands there is data.
    data_lines: HashSet<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn parse(path: &'a str, text: &'a str) -> Result<Self, Finding> {
        let unreadable = |error: &dyn std::fmt::Display, span: proc_macro2::Span| {
            let advice = format!("is no Rust ({error}); correct it, or move it to a folder of material for tests");
            Finding::new(path, span.start().line, "syntax", advice)
        };
        let tokens: TokenStream =
            text.parse().map_err(|error: proc_macro2::LexError| unreadable(&error, error.span()))?;
        let file = syn::parse2(tokens.clone()).map_err(|error| unreadable(&error, error.span()))?;
        let mut data_lines = HashSet::new();
        each_token(tokens.clone(), &mut |token| {
            if let TokenTree::Literal(literal) = token {
                let span = literal.span();
                data_lines.extend(span.start().line + 1..=span.end().line);
            }
        });
        Ok(Self { path, text, place: Place::of(path), file, tokens, data_lines })
    }

    /// The lines that are code or comments, with their numbers; lines inside a string are left out.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(n, _)| !self.data_lines.contains(n))
    }

    pub(crate) fn finding(&self, line: usize, rule: &'static str, advice: impl Into<String>) -> Finding {
        Finding::new(self.path, line, rule, advice)
    }
}

/// Calls `see` with every token, inside groups too.
pub(crate) fn each_token(tokens: TokenStream, see: &mut dyn FnMut(&TokenTree)) {
    for token in tokens {
        see(&token);
        if let TokenTree::Group(group) = token {
            each_token(group.stream(), see);
        }
    }
}

/// Whether one of the attributes is `#[cfg(test)]` or `#[test]`, in any spelling.
pub(crate) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is = |name| attribute.path().segments.last().is_some_and(|segment| segment.ident == name);
        let mut words = Vec::new();
        if let syn::Meta::List(list) = &attribute.meta {
            each_token(list.tokens.clone(), &mut |token| words.push(token.to_string()));
        }
        let says = |word: &str| words.iter().any(|other| other == word);
        is("test") || is("cfg") && says("test") && !says("not")
    })
}

/// The attributes of the items in which modules, imports and paths can stand.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The first line of an item, its attributes and docs not counted.
pub(crate) fn line_of(item: &Item) -> usize {
    let first = match item {
        Item::Fn(item) => item.sig.span(),
        Item::Mod(item) => item.ident.span(),
        Item::Struct(item) => item.ident.span(),
        Item::Enum(item) => item.ident.span(),
        other => other.span(),
    };
    first.start().line
}

#[test]
fn a_path_tells_the_place() {
    assert_eq!(Place::of("crates/core/src/lib.rs"), Place::Source);
    assert_eq!(Place::of("crates/core/src/name/tests.rs"), Place::Test);
    assert_eq!(Place::of("crates/testing/tests/tidy/main.rs"), Place::Test);
    assert_eq!(Place::of("crates/skyloom/tests/ui/two_names.rs"), Place::Material);
    assert_eq!(Place::of("crates/x/src/ui/page.rs"), Place::Source);
}

#[test]
fn what_is_no_rust_is_found() {
    let error = Source::parse("a.rs", "//! A.\n\nfn f() { let }\n").err().unwrap();
    assert_eq!(crate::finding::found(&[error]), [(3, "syntax")]);
}

#[test]
fn test_attributes_are_told_from_others() {
    let is = |text| for_tests(&syn::parse_str::<syn::ItemFn>(text).unwrap().attrs);
    assert!(is("#[cfg(test)] fn f() {}"));
    assert!(is("#[cfg(all(test, unix))] fn f() {}"));
    assert!(is("#[tokio::test] async fn f() {}"));
    assert!(!is("#[cfg(not(test))] fn f() {}"));
    assert!(!is("#[cfg(unix)] fn f() {}"));
}
