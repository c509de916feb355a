//! The whole example in one process: four services and the gateway on the memory broker.

use skyloom::{Connection, config::Sources, prelude::*, signals, telemetry};
use skyloom_gateway::{Gateway, GatewayOptions};

#[skyloom::main]
async fn main() -> Result<()> {
    let settings = Settings::load(&Sources::of_process(None))?;
    telemetry::init(&settings.log, settings.log_format)?;
    let links = links::Settings { base_url: format!("http://{}", settings.listen), ..settings.own()? };
    let connection = Connection::memory();
    let app = App::with_settings(settings.clone())
        .serve(greeter::Greeter)
        .serve(links::Links::new(links).await?)
        .serve(qr::Qr)
        .serve(audit::Audit::default());
    let running = app.start(&connection).await?;
    let gateway = Gateway::new(connection.client(), connection.registry.clone(), GatewayOptions::default());
    let ended = signals::termination().map_err(|error| Status::internal(format!("no signals: {error}")))?;
    gateway.bind(&settings.listen).await?.run(ended).await?;
    running.drain().await;
    Ok(())
}
