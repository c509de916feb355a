//! The types that a function takes and returns, as they travel.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use crate::model::Message;

/// The type that travels.
pub(super) fn payload(message: &Message) -> TokenStream {
    match message {
        Message::Given(ty) => ty.to_token_stream(),
        Message::EmptyJson => quote!(::skyloom::__private::core::Json<::skyloom::__private::core::Empty>),
        Message::EmptyProtobuf => quote!(()),
    }
}
