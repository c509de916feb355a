//! What is asked of a cluster that runs.

use std::time::Duration;

use super::{
    BenchArgs, CallArgs, CastArgs, DeadArgs, DrainArgs, InstancesArgs, ListenArgs, LogArgs, PingArgs, PublishArgs,
    QueuesArgs, RoutesArgs, ServicesArgs, bench, call, cast, dead, drain, instances, listen, log, ping, publish,
    queues, routes, services,
};
use crate::{
    failure::Failure,
    session::{Global, Session},
};

/// What is asked of a cluster that runs.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Question {
    Call(CallArgs),
    Cast(CastArgs),
    Publish(PublishArgs),
    Listen(ListenArgs),
    Services(ServicesArgs),
    Routes(RoutesArgs),
    Instances(InstancesArgs),
    Queues(QueuesArgs),
    Dead(DeadArgs),
    Ping(PingArgs),
    Drain(DrainArgs),
    Log(LogArgs),
    Bench(BenchArgs),
}

impl Question {
    /// Reads and checks what needs nobody else: nobody is to wait for a broker before he hears of a mistake of his own.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self {
            Self::Call(args) => args.sending.check(),
            Self::Cast(args) => args.sending.check(),
            Self::Bench(args) => args.sending.check(),
            Self::Publish(args) => args.check(),
            Self::Listen(args) => args.topic().map(drop),
            Self::Log(args) => args.check(),
            _ => Ok(()),
        }
    }

    /// A connection to what it needs, which may take so long to be there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) async fn connect(&self, global: &Global, patience: Duration) -> Result<Session, Failure> {
        match self {
            // What waits is known to the broker alone.
            Self::Queues(_) | Self::Dead(_) => Session::open_broker(global, patience).await,
            _ => Session::open(global, patience).await,
        }
    }
}

/// Asks it.
///
/// # Errors
/// As the command says.
pub(crate) async fn ask(question: &Question, session: &Session, global: &Global) -> Result<(), Failure> {
    match question {
        Question::Call(args) => call(args, session).await,
        Question::Cast(args) => cast(args, session).await,
        Question::Publish(args) => publish(args, session).await,
        Question::Listen(args) => listen(args, session).await,
        Question::Services(args) => services(args, session, global).await,
        Question::Routes(args) => routes(args, session, global).await,
        Question::Instances(args) => instances(args, session, global).await,
        Question::Queues(args) => queues(args, session, global).await,
        Question::Dead(args) => dead(args, session, global).await,
        Question::Ping(args) => ping(args, session, global).await,
        Question::Drain(args) => drain(args, session, global).await,
        Question::Log(args) => log(args, session, global).await,
        Question::Bench(args) => bench(args, session, global).await,
    }
}
