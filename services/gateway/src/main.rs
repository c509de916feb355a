//! The gateway's process: connects, listens, and drains on SIGTERM.

use std::net::SocketAddr;

use skyloom::{config::Sources, prelude::*, signals, telemetry};
use skyloom_gateway::{Gateway, GatewayOptions};

#[skyloom::main]
async fn main() -> Result<()> {
    let settings = Settings::load(&Sources::of_process(Some("gateway@1")))?;
    telemetry::init(&settings.log, settings.log_format)?;
    let ended = signals::termination()?;
    let connection = settings.endpoints().connect().await?;
    let options = GatewayOptions::default();
    let gateway = Gateway::new(connection.client_with(settings.client()), connection.registry.clone(), options);
    let bound = gateway.bind(listen(&settings)?).await.map_err(|error| Status::unavailable(error.to_string()))?;
    bound.run(ended).await.map_err(|error| Status::internal(error.to_string()))?;
    connection.close().await;
    Ok(())
}

fn listen(settings: &Settings) -> Result<SocketAddr> {
    let wrong = |_| format!("listen: {:?} is no address: write it as 127.0.0.1:8080", settings.listen);
    settings.listen.parse().map_err(wrong).map_err(Status::invalid_argument)
}
