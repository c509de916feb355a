//! What `proto/qr/v1/qr.proto` says, in Rust.

skyloom::include_proto!("qr.v1");
