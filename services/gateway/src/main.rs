//! The gateway's process.

use skyloom::{config::Sources, prelude::*};

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom_gateway::serve(Settings::load(&Sources::of_process(Some(skyloom_gateway::SECTION)))?).await
}
