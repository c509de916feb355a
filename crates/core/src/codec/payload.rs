//! [`Payload`] itself.

use bytes::Bytes;

use crate::{Codec, Result, contract::Shape};

/// A message that a handler takes or returns: any `prost::Message`, or `Json<T>` of a serde type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in an envelope",
    label = "neither a protobuf message nor the `Json<...>` of a serde type",
    note = "a serde type travels as `Json<...>` and needs both `Serialize` and `Deserialize`; a protobuf message must implement `prost::Message` and `Default`"
)]
pub trait Payload: Sized + Send + 'static {
    /// How it is encoded.
    const CODEC: Codec;

    /// Encodes it.
    ///
    /// # Errors
    /// `Internal` if the value has no encoding, such as a JSON map whose keys are not strings.
    fn encode(&self) -> Result<Bytes>;

    /// Decodes it.
    ///
    /// # Errors
    /// `InvalidArgument` if the bytes are not such a message.
    fn decode(bytes: Bytes) -> Result<Self>;

    /// Decodes it from a buffer that others hold as well. Sharing a small buffer costs more than
    /// copying what is kept of it, so a codec that can reads those in place.
    ///
    /// # Errors
    /// As for [`Payload::decode`].
    fn decode_shared(bytes: &Bytes) -> Result<Self> {
        Self::decode(bytes.clone())
    }

    /// The type's name for a contract.
    #[must_use]
    fn type_name() -> String;

    /// The shape of its JSON, if it is JSON.
    #[must_use]
    fn shape() -> Shape {
        Shape::Any
    }
}

/// A buffer up to this size is read in place: what a message keeps of it is copied, and larger ones
/// are shared.
pub(super) const SMALL: usize = 1024;

/// The last part of a Rust type's path, without its generic arguments.
pub(super) fn short_name<T: ?Sized>() -> String {
    let full = std::any::type_name::<T>();
    let head = full.split('<').next().unwrap_or(full);
    head.rsplit("::").next().unwrap_or(head).to_owned()
}
