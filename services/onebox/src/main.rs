//! The whole example in one process: four services and the gateway on the memory broker.

use std::net::SocketAddr;

use skyloom::{Connection, config::Sources, prelude::*, signals, telemetry};
use skyloom_gateway::{Gateway, GatewayOptions};

#[skyloom::main]
async fn main() -> Result<()> {
    let settings = Settings::load(&Sources::of_process(Some("onebox@1")))?;
    telemetry::init(&settings.log, settings.log_format)?;
    let ended = signals::termination()?;
    let links = links::Settings { base_url: format!("http://{}", settings.listen), ..settings.own()? };
    let listen: SocketAddr = settings.listen.parse().map_err(|_| {
        Status::invalid_argument(format!("listen: {:?} is no address: write it as 127.0.0.1:8080", settings.listen))
    })?;
    let connection = Connection::memory();
    let app = App::with_settings(settings)
        .serve(greeter::Greeter)
        .serve(links::Links::new(links).await?)
        .serve(qr::Qr)
        .serve(audit::Audit::default());
    let running = app.start(&connection).await?;
    let gateway = Gateway::new(connection.client(), connection.registry.clone(), GatewayOptions::default());
    let bound = gateway.bind(listen).await.map_err(|error| Status::unavailable(error.to_string()))?;
    bound.run(ended).await.map_err(|error| Status::internal(error.to_string()))?;
    running.drain().await;
    Ok(())
}
