//! What `proto/links/v1/links.proto` says, in Rust, and the contract of the service it calls.

skyloom::include_proto!("links.v1");

/// The service that renders QR codes.
pub mod qr {
    skyloom::include_proto!("qr.v1");
}
