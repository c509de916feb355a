//! `sky broker`: the embedded broker as a process of its own.

use std::path::PathBuf;

use skyloom::{
    embedded::{Address, Door, DoorOptions, Limits, SnapshotPlace},
    signals, telemetry,
};

use crate::{failure::Failure, session::Global};

/// Run the embedded broker until Ctrl-C or SIGTERM
///
/// It serves one host: a Unix socket, or TCP on the loopback address. At a planned stop it keeps
/// what waits in a snapshot, and takes it up again when it is started anew.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BrokerArgs {
    /// Where to listen: local:, unix:/path or tcp://127.0.0.1:PORT [default: that of --broker]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where to keep what waits during a planned restart [default: beside the socket]
    #[arg(long, value_name = "PATH", conflicts_with = "no_snapshot")]
    snapshot: Option<PathBuf>,
    /// Keep nothing: what waits is lost when the broker stops
    #[arg(long)]
    no_snapshot: bool,
    /// How many messages a queue holds before senders are refused
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().channel_messages)]
    queue_messages: usize,
    /// How many bytes a queue holds before senders are refused
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().channel_bytes)]
    queue_bytes: usize,
}

/// Runs the broker until a signal ends it.
///
/// # Errors
/// If it cannot listen.
pub(crate) async fn broker(args: &BrokerArgs, global: &Global) -> Result<(), Failure> {
    let settings = global.settings()?;
    telemetry::init(&settings.log, settings.log_format).map_err(|error| Failure::usage(error.to_string()))?;
    let url = args.listen.clone().or(settings.broker).unwrap_or_else(|| "local:".to_owned());
    let address: Address = url.parse().map_err(|error| Failure::usage(format!("--listen: {error}")))?;
    let ended =
        signals::termination().map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let limits = Limits { channel_messages: args.queue_messages, channel_bytes: args.queue_bytes, ..Limits::default() };
    let options = DoorOptions { snapshot: snapshot(args), limits, ..DoorOptions::default() };
    let door = Door::bind(address, options).await.map_err(|error| Failure::failed(error.to_string()))?;
    door.run(ended).await.map_err(|error| Failure::failed(error.to_string()))
}

fn snapshot(args: &BrokerArgs) -> SnapshotPlace {
    match &args.snapshot {
        _ if args.no_snapshot => SnapshotPlace::Nowhere,
        Some(path) => SnapshotPlace::File(path.clone()),
        None => SnapshotPlace::default(),
    }
}
