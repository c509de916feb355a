//! `sky drain`: an instance finishes what it has and ends.

use std::time::Duration;

use skyloom::{Guid, InstanceClient, registry::Snapshot};
use tokio::time::timeout;

use super::instances::{by_prefix, short_id};
use crate::{
    failure::Failure,
    output::{json, note},
    session::{Global, Session},
};

/// How long an instance may take to leave the registry, which is the first thing that it does, before it finishes what it
/// has.
const LONGEST: Duration = Duration::from_secs(25);

/// How long the instance may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Have an instance finish what it has taken and end
///
/// It leaves the registry and takes no more work at once. Under `sky up` it is then started anew.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DrainArgs {
    /// The instance's GUID, or its beginning if no other begins so
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// Return when it has left the registry
    #[arg(long)]
    wait: bool,
}

/// Asks an instance to drain.
///
/// # Errors
/// If the prefix does not name exactly one instance, or that does not answer.
pub(crate) async fn drain(args: &DrainArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let snapshot = session.snapshot().await?;
    let instance = choose(&snapshot, &args.instance)?;
    let answer = InstanceClient::new(session.client(), instance).timeout(ANSWER).drain().await?;
    if global.json {
        json(&serde_json::json!({ "instance": instance, "in_flight": answer.in_flight }))?;
    } else {
        note(&format!("{instance} drains, with {} requests in flight", answer.in_flight));
    }
    if args.wait {
        let mut watch = session.connection().registry.watch().await?;
        let gone = watch.wait_for(|snapshot| !snapshot.instances.contains_key(&instance));
        match timeout(LONGEST, gone).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(Failure::failed("the registry closed before the instance had left it")),
            Err(_) => return Err(Failure::failed(format!("{instance} has not left the registry within {LONGEST:?}"))),
        }
    }
    Ok(())
}

/// The one instance whose GUID starts with this.
pub(super) fn choose(snapshot: &Snapshot, prefix: &str) -> Result<Guid, Failure> {
    if prefix.is_empty() {
        return Err(Failure::usage("an instance needs at least the first digit of its GUID; see `sky instances`"));
    }
    match by_prefix(snapshot, prefix).as_slice() {
        [instance] => Ok(instance.id),
        [] => Err(Failure::failed(format!("no instance's GUID starts with {prefix:?}; see `sky instances`"))),
        several => {
            let names: Vec<String> = several.iter().map(|instance| short_id(snapshot, instance.id)).collect();
            Err(Failure::usage(format!("{prefix:?} may be {}; give more of its GUID", names.join(" or "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom::registry::Instance;

    use super::*;

    #[test]
    fn a_prefix_names_one_instance_or_none() {
        let mut snapshot = Snapshot::default();
        for digit in [1, 2] {
            let id: Guid = format!("1111111{digit}-2222-4333-8444-555555555555").parse().unwrap();
            let (host, region) = (String::new(), String::new());
            let instance = Instance { id, services: Vec::new(), host, region, pid: 1, started: 0 };
            snapshot.instances.insert(id, Arc::new(instance));
        }
        let said = |prefix: &str| choose(&snapshot, prefix).unwrap_err().to_string();
        assert_eq!(choose(&snapshot, "11111112").unwrap().to_string(), "11111112-2222-4333-8444-555555555555");
        assert_eq!(said("1111"), "\"1111\" may be 11111111 or 11111112; give more of its GUID");
        assert_eq!(said("2"), "no instance's GUID starts with \"2\"; see `sky instances`");
        assert!(said("").starts_with("an instance needs at least the first digit"));
    }
}
