//! The attributes around an item.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Lit, Meta};

/// The attributes that `#[service]` understands inside its item.
const OURS: [&str; 2] = ["handler", "event"];

/// Takes `#[handler]` and `#[event]` off an item: their names and their arguments.
pub(crate) fn strip(attributes: &mut Vec<Attribute>) -> Vec<(&'static str, Attribute)> {
    let mut ours = Vec::new();
    attributes.retain(|attribute| match name_of(attribute) {
        Some(name) => {
            ours.push((name, attribute.clone()));
            false
        }
        None => true,
    });
    ours
}

fn name_of(attribute: &Attribute) -> Option<&'static str> {
    let last = attribute.path().segments.last()?;
    OURS.into_iter().find(|name| last.ident == name)
}

/// What is inside an attribute's parentheses.
pub(super) fn arguments(attribute: &Attribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => Err(syn::Error::new_spanned(pair, "write the options in parentheses")),
    }
}

/// The text of the doc comments.
pub(super) fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

/// The `#[cfg]`s.
pub(super) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}
