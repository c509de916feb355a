//! A gateway's process from its configuration to its end.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use skyloom::{Connection, Foreground, Result, Settings, Status};
use tokio::time::timeout;

use crate::{
    error::GatewayError,
    gateway::Gateway,
    options::GatewayOptions,
    server::{Bound, check, inherited_listener},
};

/// The section of the configuration that is `sky gateway`'s, and any gateway's that has no name of its own.
pub const SECTION: &str = "gateway@1";

/// How long to wait for a broker that is just being started.
const STARTING: Duration = Duration::from_secs(5);

/// Runs a gateway as a process in the foreground: connects, listens at the configured address or on the socket that
/// a supervisor hands over, serves until SIGTERM or Ctrl-C, and drains.
///
/// # Errors
/// A mistake in the configuration, a broker that is not there, or an address that cannot be listened on.
pub async fn serve(settings: Settings) -> Result<()> {
    serve_with(settings, GatewayOptions::default()).await
}

/// As [`serve`], with limits of one's own; how long a drain may take is the configuration's.
///
/// # Errors
/// As for [`serve`].
pub async fn serve_with(settings: Settings, options: GatewayOptions) -> Result<()> {
    let options = GatewayOptions { drain: settings.drain, ..options };
    // A mistake is said before a broker is waited for, for which a supervisor would try again.
    let place = Place::of(&settings)?;
    let mut foreground = Foreground::start(settings.clone())?;
    let endpoints = settings.endpoints();
    // A connection's start is large, and short beside the life of the process.
    let connect = Box::pin(endpoints.connect_within(STARTING));
    let Some(connection) = foreground.unless_ended(connect).await else { return Ok(()) };
    let connection = connection?;
    let result = serve_on(&connection, place, &mut foreground, &settings, options).await;
    match result {
        Ok(draining) => {
            let time = foreground.settings().drain;
            let drain = async {
                draining.drain(time).await;
                connection.close().await;
            };
            foreground.drain(drain).await;
            Ok(())
        }
        Err(status) => {
            connection.close().await;
            Err(status)
        }
    }
}

async fn serve_on(
    connection: &Connection,
    place: Place,
    foreground: &mut Foreground,
    settings: &Settings,
    options: GatewayOptions,
) -> Result<crate::server::Draining> {
    let client = connection.client_with(settings.client());
    foreground.follow(client.clone());
    let wait = options.registry_wait;
    let gateway = Gateway::new(client, Arc::clone(&connection.registry), options);
    let known = gateway.clone();
    let bound = place.bind(gateway).await?;
    // Whoever restarts a gateway without an interruption sends its requests here from now on. If the registry is
    // away, they are answered with that.
    if foreground.unless_ended(timeout(wait, known.known())).await.is_none() {
        return Ok(bound.serve_until(std::future::ready(())).await);
    }
    foreground.ready(&format!("listening on {}", bound.local_addr()));
    Ok(bound.serve_until(foreground.ended()).await)
}

/// Where a gateway listens.
enum Place {
    /// At an address of this host.
    Address(SocketAddr),
    /// On a socket that a supervisor has handed over, wherever the configuration says.
    Inherited(TcpListener),
}

impl Place {
    /// The socket that is handed over, or what is configured; neither may be reached from other hosts.
    fn of(settings: &Settings) -> Result<Self> {
        let configured = address(settings)?;
        Ok(match inherited_listener()? {
            Some(listener) => {
                check(listener.local_addr().map_err(GatewayError::Inherited)?)?;
                Self::Inherited(listener)
            }
            None => {
                check(configured)?;
                Self::Address(configured)
            }
        })
    }

    async fn bind(self, gateway: Gateway) -> Result<Bound> {
        Ok(match self {
            Self::Inherited(listener) => gateway.take_over(listener)?,
            Self::Address(address) => gateway.bind(address).await?,
        })
    }
}

fn address(settings: &Settings) -> Result<SocketAddr> {
    settings.listen.parse().map_err(|_| {
        let wrong = format!("listen: {:?} is no address: write it as 127.0.0.1:8080", settings.listen);
        Status::invalid_argument(wrong)
    })
}
