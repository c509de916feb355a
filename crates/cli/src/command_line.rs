//! From the command line to a command and its exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{
    cluster::{self, SuperviseArgs, UpArgs},
    commands::{
        self, BenchArgs, BrokerArgs, BrokersArgs, CallArgs, CastArgs, ConfigArgs, DeadArgs, DrainArgs, GatewayArgs,
        HoldArgs, InstancesArgs, LogArgs, PingArgs, PublishArgs, QueuesArgs, ServicesArgs,
    },
    failure::Failure,
    output::note,
    session::{ASKING, Global, Session},
};

/// Runs, calls and looks into a Skyloom cluster.
#[derive(Debug, Parser)]
#[command(name = "sky", version, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(UpArgs),
    Broker(BrokerArgs),
    Gateway(GatewayArgs),
    Hold(HoldArgs),
    Supervise(SuperviseArgs),
    Brokers(BrokersArgs),
    Config(ConfigArgs),
    #[command(flatten)]
    Question(Question),
}

/// What is asked of a cluster that runs.
#[derive(Debug, Subcommand)]
enum Question {
    Call(CallArgs),
    Cast(CastArgs),
    Publish(PublishArgs),
    Services(ServicesArgs),
    Instances(InstancesArgs),
    Queues(QueuesArgs),
    Dead(DeadArgs),
    Ping(PingArgs),
    Drain(DrainArgs),
    Log(LogArgs),
    Bench(BenchArgs),
}

/// Runs what the command line asks for: exit code 0 if it was done, 1 if it failed, 2 if the command line or the
/// configuration is wrong, 111 if a process that runs for long could not start for now.
pub(crate) fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return explain(&error),
    };
    // Before there is an event loop.
    let background = match &line.command {
        Command::Broker(args) => args.background.start(),
        Command::Gateway(args) => args.background.start(),
        _ => Ok(None),
    };
    let _pidfile = match background {
        Ok(pidfile) => pidfile,
        Err(failure) => return end(Err(failure)),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::failed(format!("cannot start the event loop: {error}")))),
    };
    end(runtime.block_on(run(&line)))
}

async fn run(line: &CommandLine) -> Result<(), Failure> {
    let global = &line.global;
    match &line.command {
        Command::Up(args) => cluster::up(args, global).await,
        Command::Broker(args) => commands::broker(args, global).await,
        Command::Gateway(args) => commands::gateway(args, global).await,
        Command::Hold(args) => commands::hold(args, global).await,
        Command::Supervise(args) => cluster::supervise(args, global),
        Command::Brokers(args) => commands::brokers(*args, global),
        Command::Config(args) => commands::config(args, global),
        Command::Question(question) => {
            let session = Session::open(global, ASKING).await?;
            let result = ask(question, &session, global).await;
            session.close().await;
            result
        }
    }
}

async fn ask(question: &Question, session: &Session, global: &Global) -> Result<(), Failure> {
    match question {
        Question::Call(args) => commands::call(args, session).await,
        Question::Cast(args) => commands::cast(args, session).await,
        Question::Publish(args) => commands::publish(args, session).await,
        Question::Services(args) => commands::services(args, session, global).await,
        Question::Instances(args) => commands::instances(args, session, global).await,
        Question::Queues(args) => commands::queues(args, session, global).await,
        Question::Dead(args) => commands::dead(args, session, global).await,
        Question::Ping(args) => commands::ping(args, session, global).await,
        Question::Drain(args) => commands::drain(args, session, global).await,
        Question::Log(args) => commands::log(args, session, global).await,
        Question::Bench(args) => commands::bench(args, session, global).await,
    }
}

fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::OutputClosed) {
                note(&failure.to_string());
            }
            failure.exit_code()
        }
    }
}

/// Prints help and the version as they are, and a mistake as a sentence of `sky`.
fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Whoever closes standard output does not want to read it.
            drop(error.print());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            drop(error.print());
            ExitCode::from(2)
        }
        _ => {
            let text = error.render().to_string();
            let sentence = text.strip_prefix("error: ").unwrap_or(&text);
            drop(write!(io::stderr().lock(), "sky: {sentence}"));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
