//! `#[handler]` in the `impl` of a trait. What a method is, the contract says, and is the same for all who implement it;
//! how it is executed is theirs.

use proc_macro2::TokenStream;
use syn::{Attribute, ImplItemFn};

use super::{
    attributes::{arguments, cfgs},
    execution::execution,
    handler::HANDLER,
};
use crate::{errors::Errors, model::Executed, options::Options};

/// The options of a handler that are not the contract's.
const OURS: [&str; 3] = ["timeout", "concurrency", "once"];

/// Understands the attributes of a function; none if they do not say how it is executed.
pub(crate) fn executed(
    attributes: &[(&'static str, Attribute)],
    function: &ImplItemFn,
    errors: &mut Errors,
) -> Option<Executed> {
    match attributes {
        [] => None,
        [("handler", attribute)] => Some(read(attribute, function, errors)),
        [(_, attribute)] => {
            let advice = "put `#[event]` into a `#[service]` of its own";
            errors.under(attribute, format!("a contract has no listeners: {advice}"));
            None
        }
        [_, (_, second), ..] => {
            errors.under(second, format!("`{}` has two of Skyloom's attributes: keep one", function.sig.ident));
            None
        }
    }
}

fn read(attribute: &Attribute, function: &ImplItemFn, errors: &mut Errors) -> Executed {
    let tokens = match arguments(attribute) {
        Ok(tokens) => {
            if tokens.is_empty() {
                let advice = "give it `timeout`, `concurrency` or `once`, or remove it";
                let problem = "`#[handler]` says nothing that the trait does not say";
                errors.under(attribute, format!("{problem}: {advice}"));
            }
            tokens
        }
        Err(error) => {
            errors.add(error);
            TokenStream::new()
        }
    };
    let options = Options::read(tokens, "`#[handler]`", HANDLER, errors);
    for literal in options.literals() {
        errors.at(literal.span(), "an option has a name: write `timeout = \"2s\"`");
    }
    for (name, _) in HANDLER.iter().filter(|(name, _)| options.has(name) && !OURS.contains(name)) {
        let advice = "write it in the trait, or in the `.proto` that the trait is made of";
        errors.at(options.span(name), format!("`{name}` is the contract's: {advice}"));
    }
    let execution = execution(&options, errors);
    Executed { ident: function.sig.ident.clone(), cfgs: cfgs(&function.attrs), execution }
}
