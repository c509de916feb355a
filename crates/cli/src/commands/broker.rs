//! `sky broker`: the embedded broker as a process of its own.

use std::path::PathBuf;

use skyloom::{
    embedded::{
        Address, BeanstalkDoor, BeanstalkOptions, Door, DoorError, DoorOptions, JOB_BYTES, JOB_BYTES_MAX, Limits,
        SnapshotPlace, TUBES, beanstalk_address,
    },
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
    /// Answer clients of beanstalkd, too: 127.0.0.1:11300 or unix:/path
    #[arg(long, value_name = "ADDRESS")]
    beanstalk: Option<String>,
    /// The largest job that a client of beanstalkd may put, in bytes
    #[arg(
        long, value_name = "NUMBER", requires = "beanstalk", default_value_t = JOB_BYTES,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(JOB_BYTES_MAX))
    )]
    beanstalk_job_bytes: u32,
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
    let beanstalk = args.beanstalk.as_deref().map(beanstalk_address).transpose();
    let beanstalk = beanstalk.map_err(|error| Failure::usage(format!("--beanstalk: {error}")))?;
    let ended =
        signals::termination().map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let mut limits =
        Limits { channel_messages: args.queue_messages, channel_bytes: args.queue_bytes, ..Limits::default() };
    if beanstalk.is_some() {
        limits.channels = TUBES;
    }
    let options = DoorOptions { snapshot: snapshot(args), limits, ..DoorOptions::default() };
    let door = Door::bind(address, options).await.map_err(|error| Failure::failed(error.to_string()))?;
    let ran = match beanstalk {
        None => door.run(ended).await,
        Some(address) => beside(door, address, args.beanstalk_job_bytes, ended).await?,
    };
    ran.map_err(|error| Failure::failed(error.to_string()))
}

/// Runs both doors.
async fn beside(
    door: Door,
    address: Address,
    job_bytes: u32,
    ended: impl Future<Output = ()>,
) -> Result<Result<(), DoorError>, Failure> {
    let drained = signals::draining().map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let beside = BeanstalkDoor::bind(address, BeanstalkOptions { job_bytes }, &door).await;
    let beside = beside.map_err(|error| Failure::failed(format!("--beanstalk: {error}")))?;
    Ok(beside.run_beside(door, drained, ended).await)
}

fn snapshot(args: &BrokerArgs) -> SnapshotPlace {
    match &args.snapshot {
        _ if args.no_snapshot => SnapshotPlace::Nowhere,
        Some(path) => SnapshotPlace::File(path.clone()),
        None => SnapshotPlace::default(),
    }
}
