//! The audit's process.

use skyloom::prelude::*;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(audit::Audit::default()).await
}
