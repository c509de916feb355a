//! The whole example in one process: four services and the gateway on the memory broker.

use std::net::SocketAddr;

use skyloom::{Connection, Foreground, config::Sources, prelude::*};
use skyloom_gateway::{Gateway, GatewayOptions};

#[skyloom::main]
async fn main() -> Result<()> {
    if skyloom::about("Serves the whole example in one process.")? {
        return Ok(());
    }
    let settings = Settings::load(&Sources::of_process(Some("onebox@1")))?;
    let mut foreground = Foreground::start(settings.clone())?;
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
    let bound = gateway.bind(listen).await?;
    foreground.ready(&format!("listening on {listen}"));
    let draining = bound.serve_until(foreground.ended()).await;
    let time = foreground.settings().drain;
    let drain = async {
        draining.drain(time).await;
        running.drain_within(time).await;
    };
    foreground.drain(drain).await;
    Ok(())
}
