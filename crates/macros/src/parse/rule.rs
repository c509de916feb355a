//! `get = "/v1/hello/{name}"` and its like.

use syn::LitStr;

use crate::{
    errors::Errors,
    model::{Body, Rule, Verb},
    options::{Known, Options},
    template, words,
};

/// The options of a further rule.
const ALSO: &[Known] = &[
    ("get", "get = \"/v1/hello/{name}\""),
    ("post", "post = \"/v1/hello\""),
    ("put", "put = \"/v1/hello/{name}\""),
    ("patch", "patch = \"/v1/hello/{name}\""),
    ("delete", "delete = \"/v1/hello/{name}\""),
    ("body", "body = \"*\""),
    ("response_body", "response_body = \"text\""),
];

/// The rules that a handler's options state.
pub(super) fn rules(options: &Options, errors: &mut Errors) -> Vec<Rule> {
    let mut rules: Vec<Rule> = rule(options, errors).into_iter().collect();
    if options.has("also") && !has_path(options) && options.understood() {
        errors.at(options.span("also"), "there is no first rule yet: write it without `also`");
    }
    for list in options.lists("also", errors) {
        let also = Options::read(list.clone(), "`also`", ALSO, errors);
        if !has_path(&also) {
            if also.understood() {
                errors.under(list, "another rule needs a path: write `also(get = \"/v1/...\")`");
            }
            continue;
        }
        rules.extend(rule(&also, errors));
    }
    rules
}

fn has_path(options: &Options) -> bool {
    Verb::ALL.iter().any(|(verb, _)| options.has(verb))
}

fn rule(options: &Options, errors: &mut Errors) -> Option<Rule> {
    let mut given = Verb::ALL.into_iter().filter(|(name, _)| options.has(name));
    let Some((name, verb)) = given.next() else {
        for orphan in ["body", "response_body"].into_iter().filter(|name| options.has(name) && options.understood()) {
            errors.at(
                options.span(orphan),
                format!("`{orphan}` belongs to a rule: add one, such as `post = \"/v1/...\"`"),
            );
        }
        return None;
    };
    for (second, _) in given {
        let advice = format!("write the second as `also({second} = \"...\")`");
        errors.at(options.span(second), format!("`{name}` and `{second}` are two rules: {advice}"));
    }
    let path = options.string(name, errors)?;
    if let Err(problem) = template::check(&path.value()) {
        errors.at(path.span(), problem);
    }
    let body = body(verb, options.string("body", errors), errors);
    let response_body = options.string("response_body", errors);
    let response_body = response_body.map(|field| checked_field(&field, errors)).unwrap_or_default();
    Some(Rule { verb, path, body, response_body })
}

fn body(verb: Verb, given: Option<LitStr>, errors: &mut Errors) -> Body {
    match given.as_ref().map(LitStr::value).as_deref() {
        None if verb.has_body() => Body::Whole,
        None | Some("") => Body::None,
        Some("*") => Body::Whole,
        Some(field) => {
            given.iter().for_each(|literal| {
                checked_field(literal, errors);
            });
            Body::Field(field.to_owned())
        }
    }
}

fn checked_field(literal: &LitStr, errors: &mut Errors) -> String {
    let field = literal.value();
    if let Err(reason) = words::check_identifier(&field) {
        errors.at(literal.span(), format!("{field:?} is no field: {reason}"));
    }
    field
}
