//! What can be written as a frame's envelope.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use skyloom_core::Envelope;

/// An envelope, encoded already or not. A client writes its [`Envelope`] straight into the outgoing
/// buffer; the broker copies the bytes that it was given.
pub trait WriteBody {
    /// Appends the encoded envelope.
    fn write_body(&self, out: &mut BytesMut);
}

impl WriteBody for [u8] {
    fn write_body(&self, out: &mut BytesMut) {
        out.extend_from_slice(self);
    }
}

impl WriteBody for Bytes {
    fn write_body(&self, out: &mut BytesMut) {
        out.extend_from_slice(self);
    }
}

impl WriteBody for Envelope {
    fn write_body(&self, out: &mut BytesMut) {
        self.encode_to(out);
    }
}

impl<T: WriteBody + ?Sized> WriteBody for &T {
    fn write_body(&self, out: &mut BytesMut) {
        (**self).write_body(out);
    }
}

impl<T: WriteBody + ?Sized> WriteBody for Arc<T> {
    fn write_body(&self, out: &mut BytesMut) {
        (**self).write_body(out);
    }
}
