//! The command itself.

use std::time::Duration;

use skyloom::client::{ClientOptions, RetryPolicy};

use super::{super::sending::SendingArgs, load::Load, report::Report};
use crate::{
    failure::Failure,
    output::{json, print},
    session::{Global, Session},
    text::{parse_delay, parse_timeout},
};

/// Call a method again and again, and show how long the answers took
///
/// A closed loop: so many calls are in flight, and each answer makes room for the next. Nothing is
/// retried. Ctrl-C ends it early.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
    /// How many calls are in flight
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    concurrency: u32,
    /// For how long
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = parse_delay, allow_hyphen_values = true)]
    duration: Duration,
    /// How many calls, instead of for how long
    #[arg(short = 'n', long, conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,
    /// How long each call may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_timeout, allow_hyphen_values = true)]
    timeout: Duration,
}

/// The longest that a bench of a number of calls may run.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Runs the load and prints the summary.
///
/// # Errors
/// If the method does not exist, or no call was answered well.
pub(crate) async fn bench(args: &BenchArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let mut prepared = args.sending.prepare(session).await?;
    let name = prepared.target.name();
    if prepared.target.method.streaming {
        return Err(Failure::usage(format!("{name} answers with a stream; a bench needs a method with one answer")));
    }
    prepared.request.timeout = Some(args.timeout);
    prepared.note_if_idle();
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let client = session.client_with(ClientOptions { retry, ..ClientOptions::default() });
    let load = Load {
        request: prepared.request,
        concurrency: usize::try_from(args.concurrency).unwrap_or(usize::MAX),
        time: if args.calls.is_some() { LONGEST } else { args.duration },
        calls: args.calls.unwrap_or(u64::MAX),
    };
    let measured = load.run(&client).await?;
    let report = Report::new(name, load.concurrency, &measured);
    if global.json {
        json(&report)?;
    } else {
        print(&report.text(&measured))?;
    }
    if measured.latencies.is_empty() && measured.failed() > 0 {
        return Err(Failure::failed("no call was answered well"));
    }
    Ok(())
}
