//! `sky ping`: whether every instance answers, and how fast.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use skyloom::{Client, Guid, InstanceClient, registry::Instance};
use tokio::time::Instant;

use super::instances::{by_prefix, service_names, short_id};
use crate::{
    failure::Failure,
    output::{Table, left, list, right},
    session::{Global, Session},
    text::{latency, parse_timeout},
};

/// How many instances are asked at once.
const AT_ONCE: usize = 64;

/// Ask every running instance for a sign of life, and show how long each took
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PingArgs {
    /// Only the instances whose GUID starts with this
    #[arg(value_name = "INSTANCE")]
    instance: Option<String>,
    /// How long an instance may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_timeout, allow_hyphen_values = true)]
    timeout: Duration,
}

#[derive(Debug, Serialize)]
struct Row {
    id: Guid,
    #[serde(skip)]
    short: String,
    services: Vec<String>,
    host: String,
    pid: u32,
    round_trip_us: Option<u64>,
    error: Option<String>,
}

/// Pings the instances.
///
/// # Errors
/// If one of them does not answer.
pub(crate) async fn ping(args: &PingArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let snapshot = session.snapshot().await?;
    let instances = by_prefix(&snapshot, args.instance.as_deref().unwrap_or_default());
    if let (Some(prefix), true) = (&args.instance, instances.is_empty()) {
        return Err(Failure::failed(format!("no instance's GUID starts with {prefix:?}; see `sky instances`")));
    }
    let client = session.client();
    let asked = instances.into_iter().map(|instance| {
        let short = short_id(&snapshot, instance.id);
        one(client.clone(), Arc::clone(instance), short, args.timeout)
    });
    let mut rows: Vec<Row> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    rows.sort_by(|a, b| (&a.services, a.id).cmp(&(&b.services, b.id)));
    list(global.json, &rows, table, "no instances are running")?;
    match rows.iter().filter(|row| row.error.is_some()).count() {
        0 => Ok(()),
        silent => Err(Failure::failed(format!("{silent} of {} instances did not answer", rows.len()))),
    }
}

async fn one(client: Client, instance: Arc<Instance>, short: String, timeout: Duration) -> Row {
    let one = InstanceClient::new(client, instance.id).timeout(timeout);
    let start = Instant::now();
    let answer = one.ping().await;
    let took = start.elapsed();
    Row {
        id: instance.id,
        short,
        services: service_names(&instance),
        host: instance.host.clone(),
        pid: instance.pid,
        round_trip_us: answer.is_ok().then(|| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
        error: answer.err().map(|status| status.to_string()),
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = [left("INSTANCE"), left("SERVICES"), left("HOST"), right("PID"), right("ROUND TRIP"), left("ERROR")];
    Table::new(columns).with(rows, |row| {
        [
            row.short.clone(),
            row.services.join(", "),
            row.host.clone(),
            row.pid.to_string(),
            row.round_trip_us.map(|micros| latency(Duration::from_micros(micros))).unwrap_or_default(),
            row.error.clone().unwrap_or_default(),
        ]
    })
}
