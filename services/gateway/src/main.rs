//! The gateway's process.

use skyloom::{config::Sources, prelude::*};

#[skyloom::main]
async fn main() -> Result<()> {
    if skyloom::about("Runs the gateway: REST and gRPC in front of the queues.")? {
        return Ok(());
    }
    skyloom_gateway::serve(Settings::load(&Sources::of_process(Some(skyloom_gateway::SECTION)))?).await
}
