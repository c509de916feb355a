//! `#[service]` itself.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Ident, ImplItem, ItemImpl, ItemTrait, LitStr, Signature, TraitItem, Type};

use super::{attributes::docs, attributes::strip, event::event, handler::handler};
use crate::{
    errors::Errors,
    model::{Event, Form, Handler, Name, Service},
    options::{Known, Options},
    words,
};

const SERVICE: &[Known] = &[
    ("version", "version = 1"),
    ("name", "name = \"greeter.v1.Greeter\""),
    ("queue", "queue = \"greeter.v1\""),
    ("descriptors", "descriptors = DESCRIPTORS"),
];

/// Understands an inherent impl, and takes the attributes off its functions.
pub(crate) fn service_impl(tokens: TokenStream, item: &mut ItemImpl, errors: &mut Errors) -> Option<Service> {
    let header = Header::read(tokens, errors);
    let mut members = Members::default();
    for member in &mut item.items {
        if let ImplItem::Fn(function) = member {
            let ours = strip(&mut function.attrs);
            members.read(&ours, &function.attrs, &function.sig, true, errors);
        }
    }
    if !item.generics.params.is_empty() {
        let advice = "name the type, or implement a `#[service]` trait";
        errors.under(&item.generics, format!("a service's methods have fixed types: {advice}"));
        return None;
    }
    let Some(ident) = type_name(&item.self_ty) else {
        errors.under(&item.self_ty, "a service is a type with a name: write `impl Greeter`");
        return None;
    };
    Some(header.service(Form::Inherent(item.self_ty.clone()), ident, docs(&item.attrs), members, errors))
}

/// Understands a trait, and takes the attributes off its functions.
pub(crate) fn service_trait(tokens: TokenStream, item: &mut ItemTrait, errors: &mut Errors) -> Option<Service> {
    let header = Header::read(tokens, errors);
    let mut members = Members::default();
    for member in &mut item.items {
        if let TraitItem::Fn(function) = member {
            let ours = strip(&mut function.attrs);
            members.read(&ours, &function.attrs, &function.sig, false, errors);
        }
    }
    if !item.generics.params.is_empty() {
        errors.under(&item.generics, "a service's methods have fixed types: name them");
        return None;
    }
    Some(header.service(Form::Trait(item.vis.clone()), item.ident.clone(), docs(&item.attrs), members, errors))
}

fn type_name(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        Type::Group(inner) => type_name(&inner.elem),
        _ => None,
    }
}

/// The options of the attribute.
struct Header {
    version: Option<(u32, Span)>,
    name: Option<LitStr>,
    queue: Option<LitStr>,
    descriptors: Option<Expr>,
}

impl Header {
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let options = Options::read(tokens, "`#[service]`", SERVICE, errors);
        for literal in options.literals() {
            errors.at(literal.span(), "an option has a name: write `name = \"...\"` or `queue = \"...\"`");
        }
        if !options.has("version") && options.understood() {
            errors.at(Span::call_site(), "a service has a version: write `#[service(version = 1)]`");
        }
        Self {
            version: options.count("version", errors).map(|(version, literal)| (version, literal.span())),
            name: options.string("name", errors),
            queue: options.string("queue", errors),
            descriptors: options.expression("descriptors", errors),
        }
    }

    /// The whole service. A version that is missing or wrong has been reported; 1 stands for it, so
    /// that nothing else is reported because of it.
    fn service(self, form: Form, ident: Ident, docs: String, members: Members, errors: &mut Errors) -> Service {
        let version = self.version.map_or(1, |(version, _)| version);
        let name = self.name.as_ref().map_or_else(
            || Name { text: format!("{}.v{version}.{ident}", words::snake(&ident.to_string())), span: ident.span() },
            Name::from,
        );
        if let (Some((version, span)), Some(stated)) = (self.version, words::version_of(&name.text))
            && version != stated
        {
            errors.at(span, format!("the name {:?} says version {stated}: make them agree", name.text));
        }
        let queue = self
            .queue
            .as_ref()
            .map_or_else(|| Name { text: words::queue_of(&name.text, version), span: name.span }, Name::from);
        let Members { handlers, events } = members;
        Service { form, ident, name, queue, version, docs, descriptors: self.descriptors, handlers, events }
    }
}

/// The annotated functions.
#[derive(Default)]
struct Members {
    handlers: Vec<Handler>,
    events: Vec<Event>,
}

impl Members {
    fn read(
        &mut self,
        ours: &[(&'static str, Attribute)],
        others: &[Attribute],
        signature: &Signature,
        listens: bool,
        errors: &mut Errors,
    ) {
        match ours {
            [] => {}
            [("handler", attribute)] => self.handlers.extend(handler(attribute, others, signature, errors)),
            [(_, attribute)] if listens => self.events.extend(event(attribute, others, signature, errors)),
            [(_, attribute)] => {
                errors.under(attribute, "a trait has no listeners: put `#[event]` into a `#[service]` of its own");
            }
            [_, (_, second), ..] => {
                errors.under(second, format!("`{}` has two of Skyloom's attributes: keep one", signature.ident));
            }
        }
    }
}
