//! From the command line to a command and its exit code.

use std::{env, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};
use skyloom::{daemon, telemetry};

use crate::{
    cluster::{self, SuperviseArgs, UpArgs},
    commands::{self, BrokerArgs, BrokersArgs, ConfigArgs, GatewayArgs, HoldArgs, Question, ask},
    complete::{self, CompletionsArgs},
    doctor::{self, DoctorArgs},
    failure::Failure,
    mistake::{self, Program},
    output::{note, written},
    scaffold::{self, NewArgs},
    session::{ASKING, Global},
    shell::{self, ShellArgs},
    text::why,
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
    New(NewArgs),
    Up(UpArgs),
    Broker(BrokerArgs),
    Gateway(GatewayArgs),
    Hold(HoldArgs),
    Supervise(SuperviseArgs),
    Brokers(BrokersArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
    Shell(ShellArgs),
    Completions(CompletionsArgs),
    #[command(flatten)]
    Question(Question),
}

/// Runs what the command line asks for: exit code 0 if it was done, 1 if it failed, 2 if the command line or the
/// configuration is wrong, 111 if a process that runs for long could not start for now.
pub(crate) fn main() -> ExitCode {
    // A shell asks for candidates by a variable; then nothing else is done.
    complete::answer(CommandLine::command);
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
    let pidfile = match background {
        Ok(pidfile) => pidfile,
        Err(failure) => return end(Err(failure)),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::failed(format!("cannot start the event loop: {}", why(&error))))),
    };
    let ended = runtime.block_on(run(line));
    // Whoever hears of the end may start it again at once.
    drop(pidfile);
    end(ended)
}

async fn run(mut line: CommandLine) -> Result<(), Failure> {
    let global = &line.global;
    match &mut line.command {
        Command::New(args) => scaffold::new(args),
        Command::Up(args) => cluster::up(args, global).await,
        Command::Broker(args) => commands::broker(args, global).await,
        Command::Gateway(args) => commands::gateway(args, global).await,
        Command::Hold(args) => commands::hold(args, global).await,
        Command::Supervise(args) => cluster::supervise(args, global).await,
        Command::Brokers(args) => commands::brokers(*args, global),
        Command::Config(args) => commands::config(args, global).await,
        Command::Doctor(args) => doctor::doctor(args, global).await,
        Command::Shell(args) => shell::shell(args, global).await,
        Command::Completions(args) => complete::completions(*args),
        Command::Question(question) => {
            question.check()?;
            let session = question.connect(global, ASKING).await?;
            let result = ask(question, &session, global).await;
            session.close().await;
            result
        }
    }
}

fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => {
            // One that was asked to end while it started has not failed.
            daemon::ready();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let (code, sentence) = (failure.exit_code(), failure.to_string());
            if !matches!(failure, Failure::OutputClosed) {
                // A process that runs for long may have a log, which somebody reads.
                if !telemetry::log_end(&sentence) {
                    note(&sentence);
                }
                daemon::failed(code, &sentence);
            }
            ExitCode::from(code)
        }
    }
}

/// Prints help and the version as they are, and a mistake as a sentence of `sky`.
fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => end(written(error.print())),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            drop(error.print());
            ExitCode::from(2)
        }
        _ => {
            let words: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            let words = words.iter().map(String::as_str);
            end(Err(Failure::Usage(mistake::sentence(error, Program::Sky, &CommandLine::command(), words))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
