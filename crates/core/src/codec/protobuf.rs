//! Protobuf payloads.

use bytes::Bytes;

use super::payload::{Payload, SMALL, short_name};
use crate::{Codec, Result, Status};

// What is missing is a payload, and not, say, `Default`.
#[diagnostic::do_not_recommend]
impl<M: prost::Message + Default + 'static> Payload for M {
    const CODEC: Codec = Codec::Protobuf;

    fn encode(&self) -> Result<Bytes> {
        Ok(Bytes::from(self.encode_to_vec()))
    }

    fn decode(bytes: Bytes) -> Result<Self> {
        read(bytes)
    }

    fn decode_shared(bytes: &Bytes) -> Result<Self> {
        if bytes.len() <= SMALL { read(&bytes[..]) } else { read(bytes.clone()) }
    }

    fn type_name() -> String {
        short_name::<M>()
    }
}

fn read<M: prost::Message + Default>(buffer: impl bytes::Buf) -> Result<M> {
    M::decode(buffer)
        .map_err(|error| Status::invalid_argument(format!("not a {} in protobuf: {error}", short_name::<M>())))
}
