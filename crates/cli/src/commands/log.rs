//! `sky log`: what running instances log.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use skyloom::{
    Client, Guid, InstanceClient, Result as Answered,
    registry::{Filter, Snapshot},
    worker::{LogAnswer, LogRequest},
};

use super::{drain::choose, instances::short_id};
use crate::{
    failure::Failure,
    method::suggest_service,
    output::{json, note},
    session::{Global, Session},
    text::counted,
};

/// How long an instance may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// How many instances are asked at once.
const AT_ONCE: usize = 64;

/// Change what a running instance logs, or all instances of a service, until they are restarted or get SIGHUP
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// The instance's GUID, or its beginning if no other begins so; or all instances of a service, by its name or queue
    #[arg(value_name = "INSTANCE|SERVICE")]
    target: String,
    /// off, error, warn, info, debug or trace, or levels by module: info,links=debug; without it, tells what it is
    #[arg(value_name = "LEVEL")]
    level: Option<String>,
}

impl LogArgs {
    /// Checks what needs nobody else.
    ///
    /// # Errors
    /// If the level is none.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let level = self.level.as_deref().map(skyloom::config::parse_filter).transpose();
        level.map(drop).map_err(Failure::usage)
    }
}

/// What one instance has answered.
#[derive(Debug, Serialize)]
struct Row {
    instance: Guid,
    #[serde(flatten)]
    answer: Option<LogAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Who is meant.
#[derive(Debug, PartialEq, Eq)]
enum Whom {
    Instance(Guid),
    /// All that serve something; at least one.
    All(Vec<Guid>),
}

/// Asks instances what they log, or changes it.
///
/// # Errors
/// If nobody is meant, the level is none, or an instance does not answer.
pub(crate) async fn log(args: &LogArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    args.check()?;
    let snapshot = session.snapshot().await?;
    match whom(&snapshot, &args.target)? {
        Whom::Instance(instance) => {
            let answer = ask(session.client(), instance, args.level.clone()).await?;
            let row = Row { instance, answer: Some(answer), error: None };
            if global.json {
                return json(&row);
            }
            say(&row, args, &snapshot);
            Ok(())
        }
        Whom::All(instances) => {
            let asked = instances.into_iter().map(async |instance| {
                let answer = ask(session.client(), instance, args.level.clone()).await;
                let error = answer.as_ref().err().map(ToString::to_string);
                Row { instance, answer: answer.ok(), error }
            });
            let mut rows: Vec<Row> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
            rows.sort_by_key(|row| row.instance);
            if global.json {
                json(&rows)?;
            } else {
                rows.iter().for_each(|row| say(row, args, &snapshot));
            }
            match rows.iter().filter(|row| row.error.is_some()).count() {
                0 => Ok(()),
                silent => {
                    let all = counted(rows.len(), "instance");
                    Err(Failure::failed(format!("{silent} of {all} of {} did not answer", args.target)))
                }
            }
        }
    }
}

async fn ask(client: Client, instance: Guid, filter: Option<String>) -> Answered<LogAnswer> {
    InstanceClient::new(client, instance).timeout(ANSWER).log(LogRequest { filter }).await
}

/// Says of an instance what it logs, or why that is not known.
fn say(row: &Row, args: &LogArgs, snapshot: &Snapshot) {
    let name = short_id(snapshot, row.instance);
    match (&row.answer, &args.level) {
        (Some(answer), Some(_)) => note(&format!("{name} logs {}; it was {}", answer.now, answer.before)),
        (Some(answer), None) => note(&format!("{name} logs {}", answer.now)),
        (None, _) => note(&format!("{name}: {}", row.error.as_deref().unwrap_or_default())),
    }
}

/// Who is meant by a service's name, its queue, or the beginning of a GUID.
fn whom(snapshot: &Snapshot, name: &str) -> Result<Whom, Failure> {
    let serving = Filter { service: Some(name.to_owned()), ..Filter::default() };
    let serving: Vec<Guid> = snapshot.find(&serving).map(|instance| instance.id).collect();
    if !serving.is_empty() {
        return Ok(Whom::All(serving));
    }
    let mut known = snapshot.contracts.values();
    if known.any(|contract| contract.name == name || contract.queue.as_str() == name) {
        return Err(Failure::failed(format!("no instance of {name} is running; see `sky instances`")));
    }
    if name.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return choose(snapshot, name).map(Whom::Instance);
    }
    Err(Failure::failed(format!("no service {name:?} is registered{}", suggest_service(snapshot, name))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom::{ServiceRef, contract::Contract, registry::Instance};

    use super::*;

    #[test]
    fn a_service_is_all_of_its_instances() {
        let mut snapshot = Snapshot::default();
        for name in ["orders", "idle"] {
            let contract: Contract = serde_json::from_value(serde_json::json!({
                "name": format!("{name}.v1.Name"), "queue": format!("{name}.v1"), "version": 1, "methods": [],
            }))
            .unwrap();
            snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        }
        for digit in [1, 2] {
            let id: Guid = format!("1111111{digit}-2222-4333-8444-555555555555").parse().unwrap();
            let served: ServiceRef = serde_json::from_value(serde_json::json!({
                "name": "orders.v1.Name", "version": 1, "queue": "orders.v1",
            }))
            .unwrap();
            let (host, region) = (String::new(), String::new());
            let instance = Instance { id, services: vec![served], host, region, pid: 1, started: 0 };
            snapshot.instances.insert(id, Arc::new(instance));
        }
        let all: Vec<Guid> = snapshot.instances.keys().copied().collect();
        for name in ["orders.v1", "orders.v1.Name"] {
            let Whom::All(mut found) = whom(&snapshot, name).unwrap() else { panic!("{name} is one instance") };
            found.sort();
            assert_eq!(found, all);
        }
        assert_eq!(whom(&snapshot, "11111112").unwrap(), Whom::Instance(all[1]));
        for (name, sentence) in [
            ("1111", "\"1111\" may be 11111111 or 11111112; give more of its GUID"),
            ("2", "no instance's GUID starts with \"2\"; see `sky instances`"),
            ("idle.v1", "no instance of idle.v1 is running; see `sky instances`"),
            ("ordes.v1", "no service \"ordes.v1\" is registered; did you mean orders.v1?"),
        ] {
            assert_eq!(whom(&snapshot, name).unwrap_err().to_string(), sentence);
        }
    }
}
