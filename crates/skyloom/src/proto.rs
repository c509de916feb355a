//! Includes what `skyloom-build` has generated.

/// Includes the messages, the service trait and the client that `skyloom-build` has made of a
/// package: `skyloom::include_proto!("greeter.v1");`.
#[macro_export]
macro_rules! include_proto {
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}
