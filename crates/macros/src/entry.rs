//! `#[skyloom::main]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, ReturnType, Visibility};

use crate::{
    errors::Errors,
    options::{Known, Options},
};

const MAIN: &[Known] = &[("workers", "workers = 4")];

/// Expands `#[skyloom::main(tokens)] item`.
pub(crate) fn entry(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = expand(tokens, item, &mut errors);
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// The code, and the mistakes beside it.
pub(crate) fn expand(tokens: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let options = Options::read(tokens, "`#[skyloom::main]`", MAIN, errors);
    for literal in options.literals() {
        errors.at(literal.span(), "an option has a name: write `workers = 4`");
    }
    let workers = options.count("workers", errors).map(|(workers, _)| workers as usize);
    let mut function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            errors.under(&item, "`#[skyloom::main]` belongs on `async fn main`");
            return item;
        }
    };
    if let Some(problem) = problem(&function) {
        errors.at(function.sig.ident.span(), problem);
        // A main of the right kind around the author's, so that nothing else is reported.
        return quote! {
            fn main() {
                // It is not run, since it cannot be.
                #[allow(dead_code)]
                #function
            }
        };
    }
    let attributes = std::mem::take(&mut function.attrs);
    let vis = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let workers = match workers {
        Some(workers) => quote!(::core::option::Option::Some(#workers)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #(#attributes)*
        #vis fn main() -> ::std::process::ExitCode {
            #function
            ::skyloom::__private::run(#workers, ::core::option_env!("CARGO_PKG_VERSION"), main())
        }
    }
}

fn problem(function: &ItemFn) -> Option<&'static str> {
    let signature = &function.sig;
    if signature.ident != "main" {
        return Some("`#[skyloom::main]` starts the process: the function is called `main`");
    }
    if signature.asyncness.is_none() {
        return Some("`main` is not async: write `async fn main`");
    }
    if !signature.inputs.is_empty() {
        return Some("`main` takes no arguments: read `std::env::args` inside it");
    }
    if !signature.generics.params.is_empty() {
        return Some("`main` is generic: remove its parameters");
    }
    matches!(signature.output, ReturnType::Default)
        .then_some("`main` returns nothing: write `-> Result<()>`, so that a failure ends the process with its reason")
}
