//! The typed client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::message::payload;
use crate::model::{Argument, Form, Function, Handler, Service};

/// `struct GreeterClient`, with a method for each handler.
pub(crate) fn client(service: &Service) -> TokenStream {
    let client = format_ident!("{}Client", service.ident);
    let (name, queue) = (&service.name.text, &service.queue.text);
    let vis = match &service.form {
        Form::Inherent(_) => quote!(pub),
        Form::Trait(vis) => quote!(#vis),
    };
    let about = format!(" Calls `{name}`, wherever it runs.");
    let methods = service.handlers.iter().map(method);
    quote! {
        #[doc = #about]
        // Nobody need call the service from the crate that has it.
        #[allow(dead_code, unreachable_pub)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client {
            client: ::skyloom::__private::core::client::Client,
            channel: ::skyloom::__private::core::Channel,
        }

        // The messages may be private to the crate, and then so is what takes them.
        #[allow(dead_code, unreachable_pub, private_interfaces)]
        impl #client {
            /// Calls through this client. Inside a handler pass its `&Context`: the calls then
            /// inherit its deadline, trace and ledger.
            #[must_use]
            pub fn new(client: impl ::core::convert::Into<::skyloom::__private::core::client::Client>) -> Self {
                let queue = ::skyloom::__private::core::QueueName::from_static(#queue);
                Self { client: client.into(), channel: ::skyloom::__private::core::Channel::Queue(queue) }
            }

            #(#methods)*
        }
    }
}

fn method(handler: &Handler) -> TokenStream {
    let Function { ident, cfgs, arguments, parameter, request, reply, .. } = &handler.function;
    let name = &handler.name.text;
    let docs = match handler.function.docs.as_str() {
        "" => format!("Calls `{name}`."),
        docs => docs.to_owned(),
    };
    let docs = docs.lines().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    let (takes, answers) = (payload(request), payload(reply));
    let (parameters, message) = if arguments.contains(&Argument::Message) {
        (quote!(#parameter: #takes), quote!(#parameter))
    } else {
        (TokenStream::new(), quote!(::core::default::Default::default()))
    };
    let timeout = handler.timeout_ms.map(|ms| quote!(.timeout(::core::time::Duration::from_millis(#ms))));
    let idempotent = handler.idempotent.map(|_| quote!(.idempotent()));
    quote! {
        #(#[doc = #docs])*
        #(#cfgs)*
        pub fn #ident(&self, #parameters) -> ::skyloom::__private::core::client::Call<#takes, #answers> {
            ::skyloom::__private::core::client::Call::new(&self.client, &self.channel, #name, #message)
                #timeout #idempotent
        }
    }
}
