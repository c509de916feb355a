//! What can only be checked once the whole service is known.

use proc_macro2::Span;

use crate::{
    errors::Errors,
    model::{Group, Handler, Name, Service, Verb},
    template, words,
};

/// Reports every mistake in the service's names and in how its members fit together.
pub(crate) fn validate(service: &Service, errors: &mut Errors) {
    // A queue that is made of a wrong name is not reported as well.
    if check_full_name(&service.name, errors) {
        check_channel(&service.queue, "queue", errors);
    }
    for handler in &service.handlers {
        check_handler(handler, errors);
    }
    let names = unconditional(service).map(|handler| (handler.name.text.clone(), handler.name.span));
    unique(names, |name| format!("two handlers are named {name:?}: give one of them `name = \"...\"`"), errors);
    unique(routes(service), |route| format!("two handlers have the route {route}: change one path"), errors);
    for event in &service.events {
        check_channel(&event.topic, "topic", errors);
        if let Group::Named(group) = &event.group {
            check_channel(group, "group", errors);
        }
    }
    let events = service.events.iter().filter(|event| event.function.cfgs.is_empty());
    let topics = events.map(|event| (event.topic.text.clone(), event.topic.span));
    unique(
        topics,
        |topic| {
            format!("two listeners have the topic {topic:?}: join them, or give the other group a service of its own")
        },
        errors,
    );
}

fn check_full_name(name: &Name, errors: &mut Errors) -> bool {
    let wrong = name.text.split('.').find_map(|part| words::check_identifier(part).err());
    if let Some(reason) = wrong {
        let advice = "write it like \"greeter.v1.Greeter\"";
        errors.at(name.span, format!("{:?} is no service's name: {reason}; {advice}", name.text));
    }
    wrong.is_none()
}

fn check_channel(name: &Name, what: &str, errors: &mut Errors) {
    if let Err(reason) = words::check_channel(&name.text) {
        errors.at(name.span, format!("{:?} is no name of a {what}: {reason}", name.text));
    }
}

fn check_handler(handler: &Handler, errors: &mut Errors) {
    if let Err(reason) = words::check_identifier(&handler.name.text) {
        errors.at(handler.name.span, format!("{:?} is no name of a method: {reason}", handler.name.text));
    }
    if let (Some(_), Some(span)) = (handler.execution.once, handler.idempotent) {
        let advice = "the one forbids a second execution, the other invites it";
        errors.at(span, format!("`once` and `idempotent` contradict each other: {advice}"));
    }
    if handler.function.ident == "new" {
        let advice = "the client's constructor has that name; call the function something else";
        errors.at(handler.function.ident.span(), format!("a handler cannot be named `new`: {advice}"));
    }
}

/// Handlers under a `#[cfg]` may well be alternatives; the contract checks those that remain.
fn unconditional(service: &Service) -> impl Iterator<Item = &Handler> {
    service.handlers.iter().filter(|handler| handler.function.cfgs.is_empty())
}

fn routes(service: &Service) -> impl Iterator<Item = (String, Span)> {
    unconditional(service).flat_map(|handler| &handler.rules).map(|rule| {
        let verb = Verb::ALL.iter().find(|(_, verb)| *verb == rule.verb).map_or("", |(name, _)| name);
        (format!("{} {}", verb.to_uppercase(), template::shape(&rule.path.value())), rule.path.span())
    })
}

fn unique(names: impl Iterator<Item = (String, Span)>, sentence: impl Fn(&str) -> String, errors: &mut Errors) {
    let mut seen = std::collections::HashSet::new();
    for (name, span) in names {
        if !seen.insert(name.clone()) {
            errors.at(span, sentence(&name));
        }
    }
}
