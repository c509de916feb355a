//! From `.proto` to Skyloom services, in a `build.rs` and without protoc.
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     skyloom_build::compile(&["proto/greeter/v1/greeter.proto"], &["proto"])?;
//!     Ok(())
//! }
//! ```
//!
//! Then `skyloom::include_proto!("greeter.v1");` in a module of the service brings in the messages,
//! for each service a trait to implement (`Greeter`) and a client (`GreeterClient`), and the
//! contract's descriptors. `google/api/annotations.proto` and its
//! neighbours are built in; `google.api.http` rules become the methods' paths.

mod error;
mod sources;
mod descriptors;
mod rule;
mod contract;
mod generator;
mod builder;

pub use self::{
    builder::{Builder, compile},
    error::BuildError,
};
