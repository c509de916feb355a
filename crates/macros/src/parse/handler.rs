//! `#[handler]`.

use proc_macro2::TokenStream;
use syn::{Attribute, LitStr, Signature};

use super::{attributes::arguments, execution::execution, function::function, rule::rules};
use crate::{
    errors::Errors,
    model::{Handler, Name},
    options::{Known, Options},
    words,
};

/// The options of a handler.
pub(super) const HANDLER: &[Known] = &[
    ("name", "name = \"Hello\""),
    ("timeout", "timeout = \"2s\""),
    ("concurrency", "concurrency = 8"),
    ("once", "once"),
    ("idempotent", "idempotent"),
    ("get", "get = \"/v1/hello/{name}\""),
    ("post", "post = \"/v1/hello\""),
    ("put", "put = \"/v1/hello/{name}\""),
    ("patch", "patch = \"/v1/hello/{name}\""),
    ("delete", "delete = \"/v1/hello/{name}\""),
    ("body", "body = \"*\""),
    ("response_body", "response_body = \"text\""),
    ("also", "also(get = \"/v2/hello/{name}\")"),
    ("types", "types(input = \"greeter.v1.HelloRequest\", output = \"greeter.v1.HelloReply\")"),
];

const TYPES: &[Known] =
    &[("input", "input = \"greeter.v1.HelloRequest\""), ("output", "output = \"greeter.v1.HelloReply\"")];

/// Understands a handler; none if its function cannot be one.
pub(super) fn handler(
    attribute: &Attribute,
    others: &[Attribute],
    signature: &Signature,
    errors: &mut Errors,
) -> Option<Handler> {
    let tokens = arguments(attribute).unwrap_or_else(|error| {
        errors.add(error);
        TokenStream::new()
    });
    let options = Options::read(tokens, "`#[handler]`", HANDLER, errors);
    for literal in options.literals() {
        errors.at(literal.span(), "an option has a name: write `get = \"...\"` or `name = \"...\"`");
    }
    let execution = execution(&options, errors);
    let mut types = options.lists("types", errors).into_iter().map(|list| types(list, errors));
    let types = types.next().flatten();
    let idempotent = options.flag("idempotent", errors);
    let rules = rules(&options, errors);
    let given_name = options.string("name", errors);
    let function = function(others, signature, errors)?;
    let name = given_name.as_ref().map_or_else(
        || Name { text: words::upper_camel(&plain(&function.ident)), span: function.ident.span() },
        Name::from,
    );
    Some(Handler {
        name,
        function,
        execution,
        idempotent: idempotent.then(|| options.span("idempotent")),
        rules,
        types,
    })
}

fn types(list: TokenStream, errors: &mut Errors) -> Option<(LitStr, LitStr)> {
    let options = Options::read(list.clone(), "`types`", TYPES, errors);
    let pair = options.string("input", errors).zip(options.string("output", errors));
    if pair.is_none() && options.understood() {
        errors.under(list, "`types` needs both `input` and `output`");
    }
    pair
}

fn plain(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}
