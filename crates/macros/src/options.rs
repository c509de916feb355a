//! The options of an attribute: `version = 1, once, also(get = "/v1/x")`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Expr, Ident, Lit, LitInt, LitStr, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
};

use crate::{errors::Errors, nearest::nearest};

/// An option that an attribute knows: its name, and how it is written.
pub(crate) type Known = (&'static str, &'static str);

/// The options of one attribute, each of them known and given once.
pub(crate) struct Options {
    known: &'static [Known],
    given: Vec<(Ident, Value)>,
    literals: Vec<LitStr>,
    understood: bool,
}

enum Value {
    Flag,
    Assigned(Expr),
    List(TokenStream),
}

enum Entry {
    Option(Ident, Value),
    Literal(LitStr),
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(Entry::Literal);
        }
        let name = input.call(Ident::parse_any)?;
        let value = if input.is_empty() {
            Value::Flag
        } else if input.peek(syn::token::Paren) {
            let list;
            syn::parenthesized!(list in input);
            Value::List(list.parse()?)
        } else {
            input.parse::<Token![=]>()?;
            Value::Assigned(input.parse()?)
        };
        Ok(Entry::Option(name, value))
    }
}

impl Options {
    /// Reads what is inside the parentheses of `attribute`, such as `#[handler]`.
    pub(crate) fn read(tokens: TokenStream, attribute: &str, known: &'static [Known], errors: &mut Errors) -> Self {
        let mut options = Self { known, given: Vec::new(), literals: Vec::new(), understood: true };
        for part in split(tokens) {
            match syn::parse2::<Entry>(part) {
                Ok(Entry::Literal(literal)) => options.literals.push(literal),
                Ok(Entry::Option(name, value)) => options.take(name, value, attribute, errors),
                Err(error) => {
                    errors.add(error);
                    options.understood = false;
                }
            }
        }
        options
    }

    fn take(&mut self, name: Ident, value: Value, attribute: &str, errors: &mut Errors) {
        if !self.known.iter().any(|(known, _)| name == known) {
            let names = || self.known.iter().map(|(name, _)| *name);
            let advice = match nearest(&name.to_string(), names()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if self.known.is_empty() => "it has none".to_owned(),
                None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
            };
            errors.at(name.span(), format!("{attribute} has no option `{name}`; {advice}"));
            self.understood = false;
        } else if name != "also" && self.has(&name.to_string()) {
            errors.at(name.span(), format!("`{name}` is given twice: keep one of them"));
        } else {
            self.given.push((name, value));
        }
    }

    /// The texts that stand by themselves, such as the topic of `#[event("topic")]`.
    pub(crate) fn literals(&self) -> &[LitStr] {
        &self.literals
    }

    /// Whether the option is given, in whatever form.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// Whether every option is known, so that one that is missing is not merely misspelt.
    pub(crate) fn understood(&self) -> bool {
        self.understood
    }

    /// Where the option is given.
    pub(crate) fn span(&self, name: &str) -> Span {
        self.find(name).map_or_else(Span::call_site, |(name, _)| name.span())
    }

    /// Whether a flag is given.
    pub(crate) fn flag(&self, name: &str, errors: &mut Errors) -> bool {
        match self.find(name) {
            None => false,
            Some((_, Value::Flag)) => true,
            Some((name, _)) => {
                self.misused::<()>(name, errors);
                true
            }
        }
    }

    /// A string.
    pub(crate) fn string(&self, name: &str, errors: &mut Errors) -> Option<LitStr> {
        match self.literal(name, errors)? {
            (_, Lit::Str(text)) => Some(text.clone()),
            (name, _) => self.misused(name, errors),
        }
    }

    /// A whole number from 1 to `u32::MAX`.
    pub(crate) fn count(&self, name: &str, errors: &mut Errors) -> Option<(u32, LitInt)> {
        match self.literal(name, errors)? {
            (_, Lit::Int(number)) => match number.base10_parse() {
                Ok(count @ 1..) => Some((count, number.clone())),
                _ => {
                    errors.under(number, format!("`{name}` is a whole number from 1 to {}", u32::MAX));
                    None
                }
            },
            (name, _) => self.misused(name, errors),
        }
    }

    /// Any expression.
    pub(crate) fn expression(&self, name: &str, errors: &mut Errors) -> Option<Expr> {
        match self.find(name)? {
            (_, Value::Assigned(expression)) => Some(expression.clone()),
            (name, _) => self.misused(name, errors),
        }
    }

    /// What is inside the parentheses of each option of this name.
    pub(crate) fn lists(&self, name: &str, errors: &mut Errors) -> Vec<TokenStream> {
        let all = self.given.iter().filter(|(given, _)| given == name);
        all.filter_map(|(name, value)| match value {
            Value::List(list) => Some(list.clone()),
            _ => self.misused(name, errors),
        })
        .collect()
    }

    fn literal(&self, name: &str, errors: &mut Errors) -> Option<(&Ident, &Lit)> {
        match self.find(name)? {
            (name, Value::Assigned(Expr::Lit(literal))) => Some((name, &literal.lit)),
            (name, _) => self.misused(name, errors),
        }
    }

    fn find(&self, name: &str) -> Option<&(Ident, Value)> {
        self.given.iter().find(|(given, _)| given == name)
    }

    fn misused<T>(&self, name: &Ident, errors: &mut Errors) -> Option<T> {
        let example = self.known.iter().find(|(known, _)| name == known).map_or("", |(_, example)| example);
        errors.at(name.span(), format!("`{name}` is written `{example}`"));
        None
    }
}

/// Splits at the commas, so that a mistake in one option does not hide the others.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => parts.push(Vec::new()),
            (_, Some(part)) => part.push(token),
            (_, None) => parts.push(vec![token]),
        }
    }
    parts.into_iter().filter(|part: &Vec<TokenTree>| !part.is_empty()).map(TokenStream::from_iter).collect()
}
