//! The typed client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;

use super::message::payload;
use crate::model::{Argument, Form, Function, Handler, Service};

/// `struct GreeterClient`, with a method for each handler, and a constant that names it.
pub(crate) fn client(service: &Service) -> TokenStream {
    let client = format_ident!("{}Client", service.ident);
    let (name, queue) = (&service.name.text, &service.queue.text);
    let vis = match &service.form {
        Form::Inherent(_) => quote!(pub),
        Form::Trait(vis) => quote!(#vis),
    };
    let about = format!(" Calls `{name}`, wherever it runs.");
    let methods = service.handlers.iter().map(method);
    let names = service.handlers.iter().map(|handler| named(service, handler));
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

            #(#names)*
        }

        #[automatically_derived]
        impl ::skyloom::__private::core::client::ServiceClient for #client {
            fn through(client: ::skyloom::__private::core::client::Client) -> Self {
                Self::new(client)
            }
        }
    }
}

/// The constant that names a method and its types.
fn named(service: &Service, handler: &Handler) -> TokenStream {
    let Function { ident, cfgs, request, reply, .. } = &handler.function;
    let (full, queue, version) = (&service.name.text, &service.queue.text, service.version);
    let (name, constant) = (&handler.name.text, format_ident!("{}", ident.unraw().to_string().to_uppercase()));
    let (takes, answers) = (payload(request), payload(reply));
    let described = service.descriptors.as_ref().zip(handler.types.as_ref());
    let described = described.map(|(path, (input, output))| quote!(.described(#input, #output, #path)));
    let docs = format!(" Names `{name}` and its types.");
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        pub const #constant: ::skyloom::__private::core::client::MethodRef<#takes, #answers> =
            ::skyloom::__private::core::client::MethodRef::new(#full, #queue, #version, #name) #described;
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
    let timeout = handler.execution.timeout_ms.map(|ms| quote!(.timeout(::core::time::Duration::from_millis(#ms))));
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
