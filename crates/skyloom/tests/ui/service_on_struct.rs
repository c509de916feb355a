//! `#[service]` on the type instead of its functions.

use skyloom::prelude::*;

#[service(version = 1)]
struct Greeter;

fn main() {}
