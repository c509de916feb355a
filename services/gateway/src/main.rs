//! The gateway's process.

use skyloom::prelude::*;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom_gateway::serve().await
}
