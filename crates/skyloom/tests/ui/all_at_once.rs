//! Several mistakes, which are reported together.

use skyloom::prelude::*;

struct Greeter;

#[service(name = "Hello there")]
impl Greeter {
    #[handler(timeout = "soon", get = "hello", onec)]
    async fn hello(&self) -> Result<()> {
        Ok(())
    }

    #[event("Links")]
    async fn seen(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
