//! The tests' service as a process of its own, for clusters.

#[path = "../tests/sky/echo.rs"]
mod echo;

use skyloom::prelude::*;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(echo::Echo::default()).await
}
