//! The `impl` of a trait that is no contract.

use skyloom::prelude::*;

trait Greets {
    fn greet(&self) -> String;
}

struct Polite;

#[service]
impl Greets for Polite {
    fn greet(&self) -> String {
        "hello".to_owned()
    }
}

fn main() {}
