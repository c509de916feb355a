//! `#[event("topic")]`.

use proc_macro2::TokenStream;
use syn::{Attribute, Signature};

use super::{attributes::arguments, function::function};
use crate::{
    errors::Errors,
    model::{Event, Group, Message, Name},
    options::{Known, Options},
};

const EVENT: &[Known] = &[("group", "group = \"audit\""), ("broadcast", "broadcast")];

/// Understands a listener; none if its function cannot be one, or if it has no topic.
pub(super) fn event(
    attribute: &Attribute,
    others: &[Attribute],
    signature: &Signature,
    errors: &mut Errors,
) -> Option<Event> {
    let tokens = arguments(attribute).unwrap_or_else(|error| {
        errors.add(error);
        TokenStream::new()
    });
    let options = Options::read(tokens, "`#[event]`", EVENT, errors);
    let group = options.string("group", errors);
    let broadcast = options.flag("broadcast", errors);
    if broadcast && group.is_some() {
        let advice = "keep `group` to share the events, `broadcast` to give each instance all of them";
        errors.at(options.span("broadcast"), format!("`group` and `broadcast` contradict each other: {advice}"));
    }
    let topic = options.literals().first().map(Name::from);
    match (topic.is_some(), options.literals().get(1)) {
        (_, Some(second)) => {
            errors.at(second.span(), "a listener has one topic: write a second function for the other");
        }
        (false, None) => errors.under(attribute, "a listener needs a topic: write `#[event(\"links.visited\")]`"),
        (true, None) => {}
    }
    let function = function(others, signature, errors)?;
    check(&function.request, &function.reply, signature, errors);
    let group = match group {
        _ if broadcast => Group::Broadcast,
        Some(name) => Group::Named(Name::from(&name)),
        None => Group::Service,
    };
    Some(Event { topic: topic?, group, function })
}

fn check(request: &Message, reply: &Message, signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if !matches!(request, Message::Given(_)) {
        errors.at(name.span(), format!("`{name}` takes no event: add an argument for it"));
    }
    if matches!(reply, Message::Given(_)) {
        errors.under(&signature.output, format!("`{name}` has nobody to answer: return `Result<()>`"));
    }
}
