//! What is asked of a cluster that runs.

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
