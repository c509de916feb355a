//! A main function that is not async.

use skyloom::prelude::*;

#[skyloom::main]
fn main() -> Result<()> {
    Ok(())
}
