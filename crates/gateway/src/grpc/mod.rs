//! gRPC over HTTP/2, as `PROTOCOL-HTTP2.md` of the gRPC project defines it.

mod frame;
mod ending;
mod serve;

pub(crate) use self::serve::{is_grpc, serve};
