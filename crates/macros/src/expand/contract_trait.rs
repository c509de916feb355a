//! The contract-first form: a trait that a service implements.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    ItemImpl, ItemTrait, Path, ReturnType, Signature, TraitItem, ext::IdentExt as _, parse_quote, spanned::Spanned as _,
};

use super::definition::definition;
use crate::model::{Executed, Execution, Service};

/// The trait itself: its async functions return futures that can be sent, and a hidden function
/// builds the definition of whatever implements it.
pub(crate) fn contract_trait(service: &Service, mut item: ItemTrait) -> TokenStream {
    let handlers: Vec<_> = service.handlers.iter().map(|handler| &handler.function.ident).collect();
    for member in &mut item.items {
        if let TraitItem::Fn(function) = member
            && handlers.contains(&&function.sig.ident)
        {
            desugar(&mut function.sig);
            if let Some(block) = &function.default {
                function.default = Some(parse_quote!({ async move #block }));
            }
        }
    }
    let definition = definition(service, &quote!(Self));
    item.items.push(parse_quote! {
        #[doc(hidden)]
        fn __definition() -> ::skyloom::__private::core::service::Definition<Self>
        where
            Self: ::core::marker::Sized,
        {
            #definition
        }
    });
    item.colon_token.get_or_insert_default();
    item.supertraits.extend::<[syn::TypeParamBound; 3]>([
        parse_quote!(::core::marker::Send),
        parse_quote!(::core::marker::Sync),
        parse_quote!('static),
    ]);
    quote!(#item)
}

/// `async fn f() -> T` becomes `fn f() -> impl Future<Output = T> + Send`.
fn desugar(signature: &mut Signature) {
    if signature.asyncness.take().is_none() {
        return;
    }
    if let ReturnType::Type(_, output) = &mut signature.output {
        **output = parse_quote!(impl ::core::future::Future<Output = #output> + ::core::marker::Send);
    }
}

/// `impl Described for MyGreeter`, by way of the trait, and with what the `impl` adds to it.
pub(crate) fn described_by_trait(item: &ItemImpl, contract: &Path, executed: &[Executed]) -> TokenStream {
    let (generics, _, bounds) = item.generics.split_for_impl();
    let ty = &item.self_ty;
    let executed = executed.iter().map(execution);
    // Of a type parameter, what its bound has comes before what is in scope: only a trait without a definition is left to
    // `NoContract`, which says what it is not.
    let defined = quote_spanned! {contract.span()=>
        fn defined<T: #contract>() -> ::skyloom::__private::core::service::Definition<T> {
            // A contract's own definition comes first.
            #[allow(unused_imports)]
            use ::skyloom::__private::core::service::NoContract as _;
            T::__definition()
        }
    };
    quote! {
        #[automatically_derived]
        impl #generics ::skyloom::__private::core::service::Described for #ty #bounds {
            fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
                #defined
                let definition = defined::<Self>();
                #(#executed)*
                definition
            }
        }
    }
}

/// How one method is executed.
fn execution(executed: &Executed) -> TokenStream {
    let Executed { ident, cfgs, execution: Execution { timeout_ms, concurrency, once } } = executed;
    let function = ident.unraw().to_string();
    let option = |value: Option<TokenStream>| match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    };
    let timeout = option(timeout_ms.map(|ms| quote!(::core::time::Duration::from_millis(#ms))));
    let (concurrency, once) = (option(concurrency.map(|limit| quote!(#limit))), once.is_some());
    quote! {
        #(#cfgs)*
        let definition = definition.executed(#function, ::skyloom::__private::core::service::MethodOptions {
            timeout: #timeout,
            concurrency: #concurrency,
            once: #once,
        });
    }
}
