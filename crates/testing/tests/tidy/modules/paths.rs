//! The paths into its own crate that a file names, test code left out.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    ImplItemFn, Item, ItemMod, ItemUse, Macro, Path, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::rust::source::{attributes, for_tests};

/// Macros whose tokens are code of somebody else's crate.
const QUOTES: [&str; 4] = ["quote", "quote_spanned", "parse_quote", "parse_quote_spanned"];

/// One path as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    /// What an import calls it; `None` for a path in code.
    pub(super) import: Option<String>,
    pub(super) glob: bool,
    pub(super) line: usize,
    /// How many inline modules of the file it stands in.
    pub(super) depth: usize,
}

/// Every import, and every path that starts at the crate, the module or its parent.
pub(super) fn named_in(file: &syn::File) -> Vec<Named> {
    let mut finder = Finder { named: Vec::new(), depth: 0 };
    finder.visit_file(file);
    finder.named
}

struct Finder {
    named: Vec<Named>,
    depth: usize,
}

impl Finder {
    fn import(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        let line = tree.span().start().line;
        let (last, import, glob) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                return self.import(&path.tree, prefix);
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree, prefix.clone())),
            UseTree::Name(name) => (Some(&name.ident), Some(&name.ident), false),
            UseTree::Rename(rename) => (Some(&rename.ident), Some(&rename.rename), false),
            UseTree::Glob(_) => (None, None, true),
        };
        let of_itself = last.is_some_and(|last| last == "self");
        prefix.extend(last.filter(|_| !of_itself).map(ToString::to_string));
        let import = match import {
            Some(name) if name == "self" => prefix.last().cloned(),
            other => other.map(ToString::to_string),
        };
        let import = Some(import.unwrap_or_default());
        self.named.push(Named { segments: prefix, import, glob, line, depth: self.depth });
    }

    fn in_code(&mut self, segments: Vec<String>, line: usize) {
        let starts = segments.first().is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()));
        if starts && segments.len() > 1 {
            self.named.push(Named { segments, import: None, glob: false, line, depth: self.depth });
        }
    }

    fn in_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match &token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(word) if colons == 2 && !segments.is_empty() => {
                    segments.push(word.to_string());
                    colons = 0;
                }
                _ => {
                    self.in_code(std::mem::take(&mut segments), line);
                    colons = 0;
                    if let TokenTree::Ident(word) = &token {
                        line = word.span().start().line;
                        segments.push(word.to_string());
                    }
                }
            }
            if let TokenTree::Group(group) = token {
                self.in_tokens(group.stream());
            }
        }
        self.in_code(segments, line);
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.in_code(segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        let quotes = invocation.path.segments.last().is_some_and(|last| QUOTES.iter().any(|name| last.ident == name));
        if !quotes {
            self.in_tokens(invocation.tokens.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::named_in;

    fn paths(text: &str) -> Vec<(usize, usize, String)> {
        let named = named_in(&syn::parse_file(text).unwrap());
        named.into_iter().map(|named| (named.line, named.depth, named.segments.join("::"))).collect()
    }

    fn path(line: usize, depth: usize, text: &str) -> (usize, usize, String) {
        (line, depth, text.to_owned())
    }

    #[test]
    fn imports_are_taken_apart() {
        let text = "use crate::{a::{self, B as C},\n d::*};";
        assert_eq!(paths(text), [path(1, 0, "crate::a"), path(1, 0, "crate::a::B"), path(2, 0, "crate::d")]);
        let names: Vec<_> = named_in(&syn::parse_file(text).unwrap()).into_iter().map(|named| named.import).collect();
        assert_eq!(names, [Some("a".into()), Some("C".into()), Some(String::new())]);
    }

    #[test]
    fn paths_in_code_and_in_macros_count() {
        assert_eq!(
            paths("fn f() -> crate::A {\n super::b::c() }"),
            [path(1, 0, "crate::A"), path(2, 0, "super::b::c")]
        );
        assert_eq!(
            paths("fn f() {\n g!(x = (crate::a::B, 1), super::c); }"),
            [path(2, 0, "crate::a::B"), path(2, 0, "super::c")]
        );
        assert_eq!(
            paths("mod m { type T = super::A<Vec<crate::B>>; }"),
            [path(1, 1, "super::A"), path(1, 1, "crate::B")]
        );
    }

    #[test]
    fn tests_and_quoted_code_do_not_count() {
        assert_eq!(paths("#[cfg(test)] mod tests { use crate::a::B; }"), []);
        assert_eq!(paths("#[test] fn f() { crate::a::b() }"), []);
        assert_eq!(paths("fn f() { quote! { crate::a::B } }"), []);
        assert_eq!(paths("pub(crate) fn f(self) { self.g(a::B, ::std::mem::size_of::<u8>()) }"), []);
    }
}
