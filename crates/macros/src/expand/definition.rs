//! The `Definition` of a service: its names, its methods, its listeners.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Type, ext::IdentExt as _};

use super::message::payload;
use crate::model::{Argument, Body, Event, Execution, Form, Function, Group, Handler, Message, Rule, Service, Verb};

/// `impl Described for Greeter`.
pub(crate) fn described(service: &Service, ty: &Type) -> TokenStream {
    let definition = definition(service, &quote!(Self));
    quote! {
        #[automatically_derived]
        impl ::skyloom::__private::core::service::Described for #ty {
            fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
                #definition
            }
        }
    }
}

/// The statements that build the definition; `receiver` is whose functions are called.
pub(super) fn definition(service: &Service, receiver: &TokenStream) -> TokenStream {
    let Service { name, queue, version, .. } = service;
    let (name, queue) = (&name.text, &queue.text);
    let docs = docs(&service.docs);
    let descriptors = service
        .descriptors
        .as_ref()
        .map(|path| quote!(.descriptors(#path).translator(::skyloom::__private::translator)));
    let methods = service.handlers.iter().map(|handler| method(handler, &service.form, receiver));
    let events = service.events.iter().map(|event| listener(event, queue, receiver));
    quote! {
        let definition = ::skyloom::__private::core::service::Definition::<Self>::new(#name, #queue, #version)
            #docs #descriptors;
        #(#methods)*
        #(#events)*
        definition
    }
}

fn docs(text: &str) -> Option<TokenStream> {
    (!text.is_empty()).then(|| quote!(.docs(#text)))
}

fn method(handler: &Handler, form: &Form, receiver: &TokenStream) -> TokenStream {
    let Function { cfgs, request, reply, ident, .. } = &handler.function;
    let name = &handler.name.text;
    let (takes, answers) = (payload(request), payload(reply));
    let empty = matches!(reply, Message::EmptyJson)
        .then(|| quote!(.map(|()| ::skyloom::__private::core::Json(::skyloom::__private::core::Empty {}))));
    let call = call(&handler.function, receiver, empty);
    let docs = docs(&handler.function.docs);
    // By its function the `impl` of a trait knows a method.
    let function =
        matches!(form, Form::Trait(_)).then(|| ident.unraw().to_string()).map(|name| quote!(.function(#name)));
    let Execution { timeout_ms, concurrency, once } = &handler.execution;
    let timeout = timeout_ms.map(|ms| quote!(.timeout(::core::time::Duration::from_millis(#ms))));
    let concurrency = concurrency.map(|limit| quote!(.concurrency(#limit)));
    let once = once.map(|_| quote!(.once()));
    let idempotent = handler.idempotent.map(|_| quote!(.idempotent()));
    let rules = handler.rules.iter().map(rule);
    let types = handler.types.as_ref().map(|(input, output)| quote!(.types(#input, #output)));
    let new = quote_spanned! {at(ident)=>
        ::skyloom::__private::core::service::Method::<Self>::new::<#takes, #answers, _, _>(#name, #call)
    };
    quote! {
        #(#cfgs)*
        let definition = definition.method(
            #new #function #docs #timeout #concurrency #once #idempotent #(#rules)* #types
        );
    }
}

fn listener(event: &Event, queue: &str, receiver: &TokenStream) -> TokenStream {
    let Function { cfgs, request, reply, ident, .. } = &event.function;
    let topic = &event.topic.text;
    let takes = payload(request);
    // A listener that answers has been reported; the compiler need not repeat it.
    let drop = matches!(reply, Message::Given(_)).then(|| quote!(.map(::core::mem::drop)));
    let call = call(&event.function, receiver, drop);
    let group = match &event.group {
        Group::Service => quote!(::core::option::Option::Some(#queue)),
        Group::Named(name) => {
            let name = &name.text;
            quote!(::core::option::Option::Some(#name))
        }
        Group::Broadcast => quote!(::core::option::Option::None),
    };
    let new = quote_spanned! {at(ident)=>
        ::skyloom::__private::core::service::Event::<Self>::new::<#takes, _, _>(#topic, #group, #call)
    };
    quote! {
        #(#cfgs)*
        let definition = definition.event(#new);
    }
}

/// Where the function's name is, so that a future that cannot be sent is reported there; but as
/// generated code, which lints leave alone.
fn at(ident: &Ident) -> Span {
    Span::mixed_site().located_at(ident.span())
}

/// The closure that calls the author's function, and what becomes of its result afterwards.
fn call(function: &Function, receiver: &TokenStream, afterwards: Option<TokenStream>) -> TokenStream {
    let Function { ident, arguments, request, .. } = function;
    let takes = payload(request);
    let context = if arguments.contains(&Argument::Context) { quote!(context) } else { quote!(_) };
    let message = if arguments.contains(&Argument::Message) { quote!(request) } else { quote!(_) };
    let arguments = arguments.iter().map(|argument| match argument {
        Argument::Context => &context,
        Argument::Message => &message,
    });
    quote_spanned! {at(ident)=>
        |service: ::std::sync::Arc<Self>, #context: ::skyloom::__private::core::Context, #message: #takes| async move {
            #receiver::#ident(&service, #(#arguments),*).await #afterwards
        }
    }
}

fn rule(rule: &Rule) -> TokenStream {
    let Rule { path, response_body, .. } = rule;
    let verb = match rule.verb {
        Verb::Get => quote!(Get),
        Verb::Post => quote!(Post),
        Verb::Put => quote!(Put),
        Verb::Patch => quote!(Patch),
        Verb::Delete => quote!(Delete),
    };
    let body = match &rule.body {
        Body::None => quote!(None),
        Body::Whole => quote!(Whole),
        Body::Field(field) => {
            let field = field.to_token_stream();
            quote!(Field(::std::string::String::from(#field)))
        }
    };
    let contract = quote!(::skyloom::__private::core::contract);
    quote!(.http(#contract::HttpVerb::#verb, #path, #contract::HttpBody::#body, #response_body))
}
