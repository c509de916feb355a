//! `sky broker`: the embedded broker as a process of its own.

use std::{error::Error, path::PathBuf};

use listenfd::ListenFd;
use skyloom::{
    Foreground,
    embedded::{
        Address, BeanstalkDoor, BeanstalkOptions, Door, DoorError, DoorOptions, Inherited, JOB_BYTES, JOB_BYTES_MAX,
        Limits, SnapshotPlace, TUBES, beanstalk_address,
    },
    signals,
};

use super::BackgroundArgs;
use crate::{failure::Failure, session::Global, text::why};

/// Run the embedded broker until Ctrl-C or SIGTERM
///
/// It serves one host: a Unix socket, or TCP on the loopback address. At a planned stop it keeps
/// what waits in a snapshot, and takes it up again when it is started anew. Listening sockets that a supervisor
/// hands over (LISTEN_FDS) are used instead of the addresses; the one for clients of beanstalkd is the second, or has
/// the name beanstalk. Exit codes: 2 for a mistake in the configuration, 111 for what may go away by itself, such as
/// another broker at the same address.
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
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().channel_messages, value_parser = limit)]
    queue_messages: usize,
    /// How many bytes a queue holds before senders are refused
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().channel_bytes, value_parser = limit)]
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
    /// How it goes into the background
    #[command(flatten)]
    pub(crate) background: BackgroundArgs,
}

fn limit(text: &str) -> Result<usize, Box<dyn Error + Send + Sync>> {
    match text.parse()? {
        0 => Err("0 would refuse everything: give at least 1".into()),
        limit => Ok(limit),
    }
}

/// Runs the broker until a signal ends it.
///
/// # Errors
/// If it cannot listen.
pub(crate) async fn broker(args: &BrokerArgs, global: &Global) -> Result<(), Failure> {
    let settings = global.settings()?;
    let url = args.listen.clone().or(settings.broker.clone()).unwrap_or_else(|| "local:".to_owned());
    let address: Address = url.parse().map_err(|error| Failure::usage(format!("--listen: {error}")))?;
    let beanstalk = args.beanstalk.as_deref().map(beanstalk_address).transpose();
    let beanstalk = beanstalk.map_err(|error| Failure::usage(format!("--beanstalk: {error}")))?;
    let foreground = Foreground::start(settings).map_err(|status| Failure::of_process(&status))?;
    let mut foreground = foreground.unhurried();
    let mut limits =
        Limits { channel_messages: args.queue_messages, channel_bytes: args.queue_bytes, ..Limits::default() };
    if beanstalk.is_some() {
        limits.channels = TUBES;
    }
    let options = DoorOptions { snapshot: snapshot(args), limits, ..DoorOptions::default() };
    let sockets = inherited()?;
    let door = match sockets.native {
        Some(socket) => Door::take_over(socket, options),
        None => Door::bind(address, options).await,
    };
    let door = door.map_err(|error| failure("", &error))?;
    let ready = format!("listening on {}", door.address());
    let ran = match beanstalk {
        None => {
            foreground.ready(&ready);
            door.run(ended(&mut foreground)).await
        }
        Some(address) => {
            let options = BeanstalkOptions { job_bytes: args.beanstalk_job_bytes };
            let beside = match sockets.beanstalk {
                Some(socket) => BeanstalkDoor::take_over(socket, options, &door),
                None => BeanstalkDoor::bind(address, options, &door).await,
            };
            let beside = beside.map_err(|error| failure("--beanstalk: ", &error))?;
            let drained = signals::draining();
            let drained =
                drained.map_err(|error| Failure::failed(format!("cannot listen to signals: {}", why(&error))))?;
            foreground.ready(&ready);
            beside.run_beside(door, drained, ended(&mut foreground)).await
        }
    };
    ran.map_err(|error| Failure::failed(error.to_string()))
}

/// Resolves when the broker is asked to end, and has told its supervisor so.
async fn ended(foreground: &mut Foreground) {
    foreground.ended().await;
    foreground.stopping();
}

fn failure(what: &str, error: &DoorError) -> Failure {
    let sentence = format!("{what}{error}");
    match error {
        DoorError::SnapshotPlace { .. } => Failure::usage(format!("--snapshot: {sentence}")),
        error if error.is_temporary() => Failure::Temporary(sentence),
        DoorError::Bind { .. } => {
            Failure::Failed(format!("{sentence}; choose another address, or give this user the right to that one"))
        }
        _ => Failure::Failed(sentence),
    }
}

/// The sockets that a supervisor has handed over.
#[derive(Debug, Default)]
struct Sockets {
    native: Option<Inherited>,
    beanstalk: Option<Inherited>,
}

fn inherited() -> Result<Sockets, Failure> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let mut sockets = Sockets::default();
    for (index, name) in (0..handed.len()).zip(names.split(':').chain(std::iter::repeat(""))) {
        let socket = match handed.take_unix_listener(index) {
            Ok(unix) => unix.map(Inherited::Unix),
            // Then it is a TCP socket, or none of ours.
            Err(_) => {
                let tcp = handed.take_tcp_listener(index);
                tcp.map_err(|error| failure("", &DoorError::Inherited(error)))?.map(Inherited::Tcp)
            }
        };
        let place =
            if name == "beanstalk" || sockets.native.is_some() { &mut sockets.beanstalk } else { &mut sockets.native };
        *place = socket;
    }
    Ok(sockets)
}

fn snapshot(args: &BrokerArgs) -> SnapshotPlace {
    match &args.snapshot {
        _ if args.no_snapshot => SnapshotPlace::Nowhere,
        Some(path) => SnapshotPlace::File(path.clone()),
        None => SnapshotPlace::default(),
    }
}
