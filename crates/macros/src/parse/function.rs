//! The function under `#[handler]` or `#[event]`.

use quote::format_ident;
use syn::{
    Attribute, FnArg, GenericArgument, Ident, Pat, PatType, Path, PathArguments, ReceiverKind, ReturnType, Signature,
    Type,
};

use super::attributes::{cfgs, docs};
use crate::{
    errors::Errors,
    model::{Argument, Function, Message},
};

/// Understands a function, or reports why it cannot be called through a queue.
pub(super) fn function(attributes: &[Attribute], signature: &Signature, errors: &mut Errors) -> Option<Function> {
    let name = &signature.ident;
    let mut sound = true;
    let mut wrong = |errors: &mut Errors, span, message: String| {
        errors.at(span, message);
        sound = false;
    };
    if signature.asyncness.is_none() {
        wrong(errors, signature.fn_token.span, format!("`{name}` is not async: write `async fn {name}`"));
    }
    if !signature.generics.params.is_empty() {
        let advice = "name the types: one method of a contract has one request and one reply";
        wrong(errors, name.span(), format!("`{name}` is generic: {advice}"));
    }
    if let Some(advice) = receiver(signature) {
        wrong(errors, name.span(), format!("`{name}` {advice}: write `&self`"));
    }
    let (arguments, reply) = (arguments(signature, errors), reply(signature, errors));
    let ((arguments, message), reply) = arguments.zip(reply)?;
    let json = message.as_ref().map_or_else(|| unit(&reply) || json(&reply), |message| json(&message.ty));
    let empty = || if json { Message::EmptyJson } else { Message::EmptyProtobuf };
    sound.then(|| Function {
        ident: name.clone(),
        docs: docs(attributes),
        cfgs: cfgs(attributes),
        arguments,
        parameter: message.and_then(|message| parameter(&message.pat)).unwrap_or_else(|| format_ident!("request")),
        request: message.map_or_else(empty, |message| Message::Given(message.ty.clone())),
        reply: if unit(&reply) { empty() } else { Message::Given(Box::new(reply)) },
    })
}

/// What is wrong with a function's receiver.
fn receiver(signature: &Signature) -> Option<&'static str> {
    match signature.receiver().map(|receiver| &receiver.kind) {
        Some(ReceiverKind::Reference(_, _, None)) => None,
        Some(ReceiverKind::Typed(_, ty)) if matches!(**ty, Type::Reference(_)) => Some("writes the type of `self` out"),
        Some(ReceiverKind::Reference(..)) => Some("takes `&mut self`, but one value serves many calls at once"),
        Some(_) => Some("takes the service by value, but it has to serve the next call too"),
        None => Some("takes no `self`"),
    }
}

/// The order of the arguments, and the message among them.
fn arguments<'a>(signature: &'a Signature, errors: &mut Errors) -> Option<(Vec<Argument>, Option<&'a PatType>)> {
    let (mut order, mut message, mut sound) = (Vec::new(), None, true);
    for argument in &signature.inputs {
        let FnArg::Typed(typed) = argument else { continue };
        let problem = if let Type::Reference(reference) = &*typed.ty
            && is_context(&reference.elem)
        {
            Some("the context is taken by value: remove the `&`")
        } else if is_context(&typed.ty) {
            let again = order.contains(&Argument::Context);
            order.push(Argument::Context);
            again.then_some("the context is taken twice: remove one")
        } else {
            order.push(Argument::Message);
            let again = message.replace(typed).is_some();
            again.then_some("a handler takes one message: put the values into one struct").or(by_value(&typed.ty))
        };
        if let Some(problem) = problem {
            errors.under(typed, problem);
            sound = false;
        }
    }
    sound.then_some((order, message))
}

fn by_value(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Reference(_) => Some("a message is taken by value: remove the `&`"),
        Type::ImplTrait(_) => Some("a message has one type: name it"),
        _ => None,
    }
}

/// The `R` of `Result<R>`.
fn reply(signature: &Signature, errors: &mut Errors) -> Option<Type> {
    let name = &signature.ident;
    let advice = "a call can always fail: return `Result<...>`";
    let ReturnType::Type(_, ty) = &signature.output else {
        errors.at(name.span(), format!("`{name}` returns nothing, but {advice}"));
        return None;
    };
    let reply = last_segment(ty, "Result").and_then(|arguments| match arguments {
        PathArguments::AngleBracketed(list) => list.args.first(),
        _ => None,
    });
    match reply {
        Some(GenericArgument::Type(reply)) => Some(reply.clone()),
        _ => {
            errors.under(ty, format!("`{name}` returns no `Result`, but {advice}"));
            None
        }
    }
}

fn is_context(ty: &Type) -> bool {
    last_segment(ty, "Context").is_some()
}

fn unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Whether a type is `Json<...>` or a stream of it.
fn json(ty: &Type) -> bool {
    let streamed = || match last_segment(ty, "Streaming") {
        Some(PathArguments::AngleBracketed(list)) => match list.args.first() {
            Some(GenericArgument::Type(item)) => json(item),
            _ => false,
        },
        _ => false,
    };
    last_segment(ty, "Json").is_some() || streamed()
}

fn last_segment<'a>(ty: &'a Type, name: &str) -> Option<&'a PathArguments> {
    let path: &Path = match ty {
        Type::Path(path) => &path.path,
        Type::Paren(inner) => return last_segment(&inner.elem, name),
        Type::Group(inner) => return last_segment(&inner.elem, name),
        _ => return None,
    };
    path.segments.last().filter(|segment| segment.ident == name).map(|segment| &segment.arguments)
}

/// `hello` of `hello` and of `Json(hello)`.
fn parameter(pattern: &Pat) -> Option<Ident> {
    match pattern {
        Pat::Ident(ident) if ident.subpat.is_none() => {
            let name = ident.ident.to_string();
            let plain = name.trim_start_matches('_');
            if plain == name { Some(ident.ident.clone()) } else { syn::parse_str(plain).ok() }
        }
        Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => tuple.elems.first().and_then(parameter),
        _ => None,
    }
}
