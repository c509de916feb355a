//! `sky gateway`: REST and gRPC in front of the queues.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use skyloom::{signals, telemetry};
use skyloom_gateway::{Gateway, GatewayOptions};

use crate::{
    failure::Failure,
    session::{Global, STARTING, Session},
};

/// Run the gateway: REST and gRPC in front of the queues, until Ctrl-C or SIGTERM
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GatewayArgs {
    /// Listen on this port of the loopback address
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Listen on this address [default: as configured, or 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// Runs the gateway until a signal ends it.
///
/// # Errors
/// If the broker is not there or the address cannot be listened on.
pub(crate) async fn gateway(args: &GatewayArgs, global: &Global) -> Result<(), Failure> {
    let settings = global.settings()?;
    telemetry::init(&settings.log, settings.log_format).map_err(|error| Failure::usage(error.to_string()))?;
    let address = match (args.port, args.listen.as_ref().unwrap_or(&settings.listen)) {
        (Some(port), _) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        (None, listen) => listen.parse().map_err(|_| {
            Failure::usage(format!("{listen:?} is no address to listen on; write HOST:PORT, such as 127.0.0.1:8080"))
        })?,
    };
    let ended =
        signals::termination().map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let session = Session::open(global, STARTING).await?;
    let registry = Arc::clone(&session.connection().registry);
    let client = session.client_with(settings.client());
    let failed = |error: skyloom_gateway::GatewayError| Failure::failed(error.to_string());
    let bound = Gateway::new(client, registry, GatewayOptions::default()).bind(address).await.map_err(failed)?;
    let result = bound.run(ended).await.map_err(failed);
    session.close().await;
    result
}
