//! `google.api.http` on a method.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, Value};

/// The option's full name.
const OPTION: &str = "google.api.http";

/// The HTTP methods that a rule can have.
const VERBS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// One way to reach a method by REST.
pub(crate) struct Rule {
    /// The HTTP method, in lower case.
    pub(crate) verb: &'static str,
    /// The path template.
    pub(crate) path: String,
    /// The field that is the body, or `*`, or empty.
    pub(crate) body: String,
    /// The reply's field that is the body, or empty.
    pub(crate) response_body: String,
}

/// The method's rules: its own, then the additional ones. An error says what is wrong with one.
pub(crate) fn rules(method: &MethodDescriptor) -> Result<Vec<Rule>, String> {
    let options = method.options();
    let Some(extension) = method.parent_pool().get_extension_by_name(OPTION) else {
        return Ok(Vec::new());
    };
    if !options.has_extension(&extension) {
        return Ok(Vec::new());
    }
    let value = options.get_extension(&extension);
    let Some(first) = value.as_message() else {
        return Ok(Vec::new());
    };
    let mut rules = vec![rule(first, method)?];
    let more = first.get_field_by_name("additional_bindings");
    for binding in more.iter().filter_map(|bindings| bindings.as_list()).flatten().filter_map(Value::as_message) {
        if binding.has_field_by_name("additional_bindings") {
            return Err("an additional binding has bindings of its own: list all of them in the first".to_owned());
        }
        rules.push(rule(binding, method)?);
    }
    Ok(rules)
}

fn rule(message: &DynamicMessage, method: &MethodDescriptor) -> Result<Rule, String> {
    let text = |field: &str| {
        let value = message.get_field_by_name(field);
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let Some(verb) = VERBS.into_iter().find(|verb| message.has_field_by_name(verb)) else {
        return Err(format!("its {OPTION} has no path: use one of {}", VERBS.join(", ")));
    };
    let rule = Rule { verb, path: text(verb), body: text("body"), response_body: text("response_body") };
    for variable in variables(&rule.path) {
        check_path(&method.input(), variable, &rule.path)?;
    }
    if !matches!(rule.body.as_str(), "" | "*") {
        check_field(&method.input(), &rule.body, "body")?;
    }
    if !rule.response_body.is_empty() {
        check_field(&method.output(), &rule.response_body, "response_body")?;
    }
    Ok(rule)
}

/// The field paths between braces. The template's syntax is checked by `#[service]`.
fn variables(path: &str) -> impl Iterator<Item = &str> {
    let inside = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest));
    inside.map(|variable| variable.split('=').next().unwrap_or(variable))
}

/// Whether a variable names a value that a path can hold.
fn check_path(message: &MessageDescriptor, variable: &str, template: &str) -> Result<(), String> {
    let mut message = message.clone();
    let mut parts = variable.split('.').peekable();
    while let Some(part) = parts.next() {
        let field = check_field(&message, part, template)?;
        match (field.kind(), parts.peek()) {
            _ if field.is_list() || field.is_map() => {
                return Err(format!("{template}: {{{variable}}} is repeated; a path holds one value"));
            }
            (Kind::Message(inner), Some(_)) => message = inner,
            (Kind::Message(inner), None) if !is_scalar_in_json(&inner) => {
                return Err(format!("{template}: {{{variable}}} is a message; name one of its fields"));
            }
            (_, Some(next)) if !matches!(field.kind(), Kind::Message(_)) => {
                return Err(format!("{template}: {part} is no message and has no field {next}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Well-known messages that JSON writes as one string or number.
fn is_scalar_in_json(message: &MessageDescriptor) -> bool {
    let name = message.full_name().strip_prefix("google.protobuf.").unwrap_or_default();
    matches!(name, "Timestamp" | "Duration" | "FieldMask") || name.ends_with("Value") && name != "ListValue"
}

fn check_field(message: &MessageDescriptor, name: &str, place: &str) -> Result<prost_reflect::FieldDescriptor, String> {
    message.get_field_by_name(name).ok_or_else(|| {
        let names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
        let has = if names.is_empty() { "no fields".to_owned() } else { names.join(", ") };
        format!("{place}: {} has no field {name:?}; it has {has}", message.full_name())
    })
}
