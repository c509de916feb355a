//! The greeter's process.

use skyloom::prelude::*;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(greeter::Greeter).await
}
