//! `google.api.HttpBody`, written by hand so that the core needs no code generator.

use bytes::{Buf, BufMut, Bytes};
use prost::{
    DecodeError, Message,
    encoding::{self, DecodeContext, WireType},
};

/// Raw bytes with their media type: as a reply, the gateway makes them the response's body as they
/// are. The protobuf message `google.api.HttpBody`, without its extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpBody {
    /// The media type, such as `image/png`.
    pub content_type: String,
    /// The body.
    pub data: Bytes,
}

impl HttpBody {
    /// The message's full name in protobuf.
    pub const FULL_NAME: &'static str = "google.api.HttpBody";

    /// A body of this media type.
    #[must_use]
    pub fn new(content_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { content_type: content_type.into(), data: data.into() }
    }
}

impl Message for HttpBody {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if !self.content_type.is_empty() {
            encoding::string::encode(1, &self.content_type, buf);
        }
        if !self.data.is_empty() {
            encoding::bytes::encode(2, &self.data, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::string::merge(wire_type, &mut self.content_type, buf, ctx),
            2 => encoding::bytes::merge(wire_type, &mut self.data, buf, ctx),
            _ => encoding::skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        let text = if self.content_type.is_empty() { 0 } else { encoding::string::encoded_len(1, &self.content_type) };
        let data = if self.data.is_empty() { 0 } else { encoding::bytes::encoded_len(2, &self.data) };
        text + data
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message as _;

    use super::HttpBody;

    #[test]
    fn survives_its_encoding_and_skips_what_it_does_not_know() {
        let body = HttpBody::new("image/png", vec![1, 2, 3]);
        let mut encoded = body.encode_to_vec();
        encoded.extend([0x1a, 1, 0]);
        assert_eq!(HttpBody::decode(Bytes::from(encoded)).unwrap(), body);
        assert_eq!(HttpBody::default().encoded_len(), 0);
    }
}
