//! A type that is served but is no service.

use skyloom::prelude::*;

struct Greeter;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(Greeter).await
}
