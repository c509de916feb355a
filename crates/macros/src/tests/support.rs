//! One expansion with its mistakes.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{errors::Errors, service};

/// The expansion of an attribute.
pub(super) type Expand = fn(TokenStream, TokenStream, &mut Errors) -> TokenStream;

/// What an expansion says.
pub(super) fn mistakes(expand: Expand, options: TokenStream, item: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    expand(options, item, &mut errors);
    errors.messages()
}

/// The mistakes of one function in an otherwise sound service.
pub(super) fn mistakes_of(function: TokenStream) -> Vec<String> {
    mistakes(service::expand, quote!(version = 1), quote!(impl Greeter { #function }))
}

/// One mistake gives one message.
pub(super) fn assert_one(messages: &[String], part: &str) {
    assert!(messages.len() == 1 && messages[0].contains(part), "{messages:?} is not one message with {part:?}");
}
