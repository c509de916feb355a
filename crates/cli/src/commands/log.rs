//! `sky log`: what a running instance logs.

use std::time::Duration;

use skyloom::{InstanceClient, worker::LogRequest};

use super::{drain::choose, instances::short_id};
use crate::{
    failure::Failure,
    output::{json, note},
    session::{Global, Session},
};

/// How long the instance may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Change what a running instance logs, until it is restarted or gets SIGHUP
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// The instance's GUID, or its beginning if no other begins so
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// off, error, warn, info, debug or trace, or levels by module: info,links=debug; without it, tells what it is
    #[arg(value_name = "LEVEL")]
    level: Option<String>,
}

/// Asks an instance what it logs, or changes it.
///
/// # Errors
/// If the prefix does not name exactly one instance, the level is none, or the instance does not answer.
pub(crate) async fn log(args: &LogArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    if let Some(level) = &args.level {
        skyloom::config::parse_filter(level).map_err(Failure::usage)?;
    }
    let snapshot = session.snapshot().await?;
    let instance = choose(&snapshot, &args.instance)?;
    let one = InstanceClient::new(session.client(), instance).timeout(ANSWER);
    let answer = one.log(LogRequest { filter: args.level.clone() }).await?;
    if global.json {
        return json(&serde_json::json!({ "instance": instance, "before": answer.before, "now": answer.now }));
    }
    let name = short_id(&snapshot, instance);
    match args.level {
        Some(_) => note(&format!("{name} logs {}; it was {}", answer.now, answer.before)),
        None => note(&format!("{name} logs {}", answer.now)),
    }
    Ok(())
}
