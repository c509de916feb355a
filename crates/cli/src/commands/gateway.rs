//! `sky gateway`: REST and gRPC in front of the queues.

use super::BackgroundArgs;
use crate::{failure::Failure, session::Global};

/// Run the gateway: REST and gRPC in front of the queues, until Ctrl-C or SIGTERM
///
/// Its section of skyloom.toml is `[service."gateway@1"]`. It finishes what it has before it ends. On SIGHUP it reads its configuration anew. A listening socket that a
/// supervisor hands over (LISTEN_FDS) is used instead of the address. Exit codes: 2 for a mistake in the
/// configuration, 111 for what may go away by itself, such as a broker that is not there.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GatewayArgs {
    /// Listen on this port of the loopback address
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Listen on this address [default: as configured, or 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How it goes into the background
    #[command(flatten)]
    pub(crate) background: BackgroundArgs,
}

/// Runs the gateway until a signal ends it.
///
/// # Errors
/// If the broker is not there or the address cannot be listened on.
pub(crate) async fn gateway(args: &GatewayArgs, global: &Global) -> Result<(), Failure> {
    let listen = match args.port {
        Some(port) => Some(format!("127.0.0.1:{port}")),
        None => args.listen.clone(),
    };
    let flag = listen.map(|address| format!("--listen={address}"));
    let settings = global.settings_of(Some(skyloom_gateway::SECTION), flag)?;
    skyloom_gateway::serve(settings).await.map_err(|status| Failure::of_process(&status))
}
