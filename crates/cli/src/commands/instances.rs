//! `sky instances`: what is running, and where.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use skyloom::{
    Guid,
    registry::{Filter, Instance, Snapshot},
};

use crate::{
    failure::Failure,
    method::suggest_service,
    output::{Table, left, list, right},
    session::{Global, Session},
    text::span,
};

/// The fewest digits of a GUID that are shown.
const SHORT: usize = 8;

/// List the running instances
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InstancesArgs {
    /// Only those that serve this service, by its name or its queue
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: Guid,
    #[serde(skip)]
    short: String,
    services: Vec<String>,
    host: String,
    region: String,
    pid: u32,
    uptime_s: u64,
}

/// Lists the instances.
///
/// # Errors
/// If the registry does not answer, or knows no such service.
pub(crate) async fn instances(args: &InstancesArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let snapshot = session.snapshot().await?;
    if let Some(name) = &args.service {
        let known = |queue: &str, full: &str| queue == name || full == name;
        if !snapshot.contracts.values().any(|contract| known(contract.queue.as_str(), &contract.name)) {
            let hint = suggest_service(&snapshot, name);
            return Err(Failure::failed(format!("no service {name:?} is registered{hint}")));
        }
    }
    let filter = Filter { service: args.service.clone(), ..Filter::default() };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut rows: Vec<Row> = snapshot.find(&filter).map(|instance| describe(instance, &snapshot, now)).collect();
    rows.sort_by(|a, b| (&a.services, a.id).cmp(&(&b.services, b.id)));
    list(global.json, &rows, table, "no instances are running")
}

fn describe(instance: &Instance, snapshot: &Snapshot, now: u64) -> Row {
    Row {
        id: instance.id,
        short: short_id(snapshot, instance.id),
        services: service_names(instance),
        host: instance.host.clone(),
        region: instance.region.clone(),
        pid: instance.pid,
        uptime_s: now.saturating_sub(instance.started),
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = [left("INSTANCE"), left("SERVICES"), left("HOST"), left("REGION"), right("PID"), right("UPTIME")];
    Table::new(columns).with(rows, |row| {
        [
            row.short.clone(),
            row.services.join(", "),
            row.host.clone(),
            row.region.clone(),
            row.pid.to_string(),
            span(Duration::from_secs(row.uptime_s)),
        ]
    })
}

/// The full names of the services that an instance serves.
pub(super) fn service_names(instance: &Instance) -> Vec<String> {
    instance.services.iter().map(|served| served.name.clone()).collect()
}

/// As few digits of a GUID as tell it from all other instances.
pub(super) fn short_id(snapshot: &Snapshot, id: Guid) -> String {
    let text = id.to_string();
    let others: Vec<String> =
        snapshot.instances.keys().filter(|other| **other != id).map(ToString::to_string).collect();
    let unique = |length: &usize| others.iter().all(|other| other.get(..*length) != text.get(..*length));
    let length = (SHORT..text.len()).find(unique).unwrap_or(text.len());
    text.chars().take(length).collect()
}

/// The instances whose GUID starts with this text.
pub(super) fn by_prefix<'a>(snapshot: &'a Snapshot, prefix: &str) -> Vec<&'a Arc<Instance>> {
    let prefix = prefix.to_ascii_lowercase();
    let matches = |instance: &&Arc<Instance>| instance.id.to_string().starts_with(&prefix);
    snapshot.instances.values().filter(matches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(ids: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for id in ids {
            let id: Guid = id.parse().unwrap();
            let (host, region) = (String::new(), String::new());
            let instance = Instance { id, services: Vec::new(), host, region, pid: 1, started: 0 };
            snapshot.instances.insert(id, Arc::new(instance));
        }
        snapshot
    }

    #[test]
    fn a_guid_is_shown_as_short_as_it_stays_unique() {
        let (one, two) = ("11111111-2222-4333-8444-555555555555", "11111111-2922-4333-8444-555555555555");
        let id = |text: &str| text.parse().unwrap();
        assert_eq!(short_id(&snapshot(&[one]), id(one)), "11111111");
        assert_eq!(short_id(&snapshot(&[one, two]), id(one)), "11111111-22");
        assert_eq!(by_prefix(&snapshot(&[one, two]), "1111").len(), 2);
        assert_eq!(by_prefix(&snapshot(&[one, two]), "11111111-29").len(), 1);
        assert!(by_prefix(&snapshot(&[one, two]), "2").is_empty());
    }
}
