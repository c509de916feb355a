//! The broker and the registry.

use std::{sync::Arc, time::Duration};

use skyloom::{ConnectError, Connection, Endpoints, broker::ChannelStats, embedded::Address, registry::Snapshot};
use skyloom_gateway::routes;
use tokio::time::timeout;

use super::{finding::Finding, place, version};
use crate::text::counted;

/// How long a broker may take to be reached, and to answer each question.
const PATIENCE: Duration = Duration::from_secs(3);

/// What starts the embedded broker.
const START: &str = "`sky up CLUSTER` or `sky broker` starts one; so does the first service on this host";

/// What to do about a broker that is there and cannot be used.
const SILENT: &str =
    "see what that process is: `kill -CONT PID` wakes one that was stopped, and one that hangs has to be ended";

/// What to do about a broker of another user's.
const BARRED: &str = "ask as the user who runs it, or choose another place with --broker";

/// Looks at the broker, its version, its registry and what waits there. Returns what the registry knows, too, if it
/// answers.
pub(super) async fn look(endpoints: &Endpoints) -> (Vec<Finding>, Option<Arc<Snapshot>>) {
    const CHECK: &str = "broker";
    let mut findings = Vec::new();
    let embedded = endpoints.embedded().ok().flatten().and_then(|url| url.parse::<Address>().ok());
    findings.extend(embedded.as_ref().and_then(place::socket));
    // RabbitMQ and beanstalkd keep no registry: what is wrong with one is no reason not to look at the other.
    let is_apart = endpoints.registry.is_some() || endpoints.embedded().is_ok_and(|url| url != Some(&endpoints.broker));
    // The embedded broker may be needed for its registry alone.
    let embedded = embedded.filter(|_| endpoints.embedded().is_ok_and(|url| url == Some(&endpoints.broker)));
    let connection = match broker_of(endpoints, is_apart).connect_within(PATIENCE).await {
        Ok(connection) => connection,
        Err(error) if embedded.as_ref().is_some_and(place::is_taken) => {
            findings.push(Finding::broken(CHECK, error.to_string(), SILENT));
            return (findings, None);
        }
        Err(_) if embedded.as_ref().is_some_and(place::is_barred) => {
            findings.push(Finding::broken(CHECK, "whether one runs there, this user may not ask", BARRED));
            return (findings, None);
        }
        Err(ConnectError::Absent { address, .. }) if embedded.is_some_and(|own| own.to_string() == address) => {
            findings.push(Finding::note(CHECK, format!("no broker runs at {address}"), START));
            return (findings, None);
        }
        Err(error) => {
            let advice = "start the broker, or correct the URL (--broker, SKYLOOM_BROKER, skyloom.toml); docs/brokers.md \
                          says how each is set up";
            findings.push(Finding::broken(CHECK, error.to_string(), advice));
            return (findings, None);
        }
    };
    findings.push(Finding::ok(CHECK, format!("{} answers", connection.address())));
    if let Some(admin) = connection.broker.admin() {
        let server = timeout(PATIENCE, admin.server()).await;
        findings.push(version::judge(server.ok().and_then(Result::ok).flatten().as_deref()));
        if let Ok(Ok(channels)) = timeout(PATIENCE, admin.channels()).await {
            findings.extend(dead_letters(&channels));
        }
    }
    let (found, known) = if is_apart { separate_registry(endpoints).await } else { registry(&connection).await };
    findings.extend(found);
    // What could not be closed within this time is closed by the end of the process.
    drop(timeout(PATIENCE, connection.close()).await);
    (findings, known)
}

/// The broker alone, if its registry is elsewhere.
fn broker_of(endpoints: &Endpoints, is_apart: bool) -> Endpoints {
    let registry = if is_apart { Some("memory:".to_owned()) } else { endpoints.registry.clone() };
    Endpoints { broker: endpoints.broker.clone(), registry }
}

/// A registry that is not the broker's own.
async fn separate_registry(endpoints: &Endpoints) -> (Vec<Finding>, Option<Arc<Snapshot>>) {
    const CHECK: &str = "registry";
    let own = endpoints.embedded().ok().flatten().and_then(|url| url.parse::<Address>().ok());
    match endpoints.connect_within(PATIENCE).await {
        Ok(connection) => {
            let findings = registry(&connection).await;
            drop(timeout(PATIENCE, connection.close()).await);
            findings
        }
        Err(error) if own.as_ref().is_some_and(place::is_taken) => {
            (vec![Finding::broken(CHECK, error.to_string(), SILENT)], None)
        }
        Err(ConnectError::NoRegistryThere { address, .. }) if own.is_some_and(|own| own.to_string() == address) => {
            (vec![Finding::note(CHECK, format!("no embedded broker, which keeps it, runs at {address}"), START)], None)
        }
        Err(error) => {
            let advice = "start it, or correct its URL (--registry, SKYLOOM_REGISTRY, skyloom.toml)";
            (vec![Finding::broken(CHECK, error.to_string(), advice)], None)
        }
    }
}

async fn registry(connection: &Connection) -> (Vec<Finding>, Option<Arc<Snapshot>>) {
    const CHECK: &str = "registry";
    let broken = |found| (vec![Finding::broken(CHECK, found, "see the broker's log; calls work without it")], None);
    let watch = timeout(PATIENCE, connection.registry.watch()).await;
    let snapshot = match watch {
        Ok(Ok(watch)) => watch.borrow().clone(),
        Ok(Err(error)) => return broken(error.to_string()),
        Err(_) => return broken(format!("it did not answer within {PATIENCE:?}")),
    };
    let (instances, services) = (snapshot.instances.len(), snapshot.contracts.len());
    let mut findings =
        vec![Finding::ok(CHECK, format!("{}, {}", counted(services, "service"), counted(instances, "instance")))];
    findings.extend(conflicts(&snapshot));
    (findings, Some(snapshot))
}

fn conflicts(snapshot: &Snapshot) -> Option<Finding> {
    let problems: Vec<_> =
        routes(snapshot).into_iter().filter(|route| route.problem.is_some() && route.instances > 0).collect();
    let first = problems.first()?;
    let found = format!("{} of {}/{} is not served", first.path, first.service, first.method);
    let more = match problems.len() {
        1 => String::new(),
        number => format!(", and {} more", number - 1),
    };
    Some(Finding::note("routes", format!("{found}{more}"), "`sky routes` says why"))
}

fn dead_letters(channels: &[ChannelStats]) -> Option<Finding> {
    let dead: Vec<_> = channels.iter().filter(|channel| channel.dead > 0).collect();
    let first = dead.first()?;
    let number: u64 = dead.iter().map(|channel| channel.dead).sum();
    let found = format!("{number} dead letters, the first queue is {}", first.channel);
    Some(Finding::note("dead letters", found, format!("`sky dead list {}` says why", first.channel)))
}
