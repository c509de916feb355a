//! `#[service]`: parse, validate, expand. The author's item is emitted in any case, and so is what
//! was understood of the rest, so that one mistake gives one message.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{ImplItem, Item, ItemImpl, ItemTrait, Path};

use crate::{
    errors::Errors,
    expand::{client, contract_trait, described, described_by_trait},
    model::Form,
    options::Options,
    parse::{executed, service_impl, service_trait, strip},
    validate::validate,
};

/// Expands `#[service(tokens)] item`.
pub(crate) fn service(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = expand(tokens, item, &mut errors);
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// The code, and the mistakes beside it.
pub(crate) fn expand(tokens: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) => match &item.trait_ {
            Some((contract, _)) => trait_impl(tokens, contract.clone(), item, errors),
            None => inherent_impl(tokens, item, errors),
        },
        Ok(Item::Trait(item)) => the_trait(tokens, item, errors),
        Ok(other) => {
            let advice = "write it before `impl Greeter { ... }` or before a trait";
            errors.under(&other, format!("`#[service]` belongs on an `impl` block or a trait: {advice}"));
            item
        }
        Err(error) => {
            errors.add(error);
            item
        }
    }
}

fn inherent_impl(tokens: TokenStream, mut item: ItemImpl, errors: &mut Errors) -> TokenStream {
    let Some(service) = service_impl(tokens, &mut item, errors) else {
        return quote!(#item);
    };
    validate(&service, errors);
    let described = match &service.form {
        Form::Inherent(ty) => described(&service, ty),
        Form::Trait(_) => TokenStream::new(),
    };
    let client = client(&service);
    quote!(#item #described #client)
}

fn the_trait(tokens: TokenStream, mut item: ItemTrait, errors: &mut Errors) -> TokenStream {
    let Some(service) = service_trait(tokens, &mut item, errors) else {
        return quote!(#item);
    };
    validate(&service, errors);
    let item = contract_trait(&service, item);
    let client = client(&service);
    quote!(#item #client)
}

fn trait_impl(tokens: TokenStream, contract: Path, mut item: ItemImpl, errors: &mut Errors) -> TokenStream {
    Options::read(tokens, "`#[service]` on the `impl` of a trait", &[], errors);
    let mut members = Vec::new();
    for member in &mut item.items {
        if let ImplItem::Fn(function) = member {
            let ours = strip(&mut function.attrs);
            members.extend(executed(&ours, function, errors));
        }
    }
    let described = described_by_trait(&item, &contract, &members);
    quote!(#item #described)
}

/// What `#[handler]` and `#[event]` mean where no `#[service]` has taken them off.
pub(crate) fn outside(name: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let advice = "put `#[service]` before the `impl` block or the trait";
    errors.at(Span::call_site(), format!("`#[{name}]` means nothing outside a service: {advice}"));
    let errors = errors.into_tokens();
    quote!(#item #errors)
}
