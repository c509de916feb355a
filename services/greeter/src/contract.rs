//! What `proto/greeter/v1/greeter.proto` says, in Rust.

skyloom::include_proto!("greeter.v1");
