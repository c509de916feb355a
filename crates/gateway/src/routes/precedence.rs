//! Who has a route that two services claim.

use std::{collections::HashMap, sync::Arc};

use skyloom::{contract::Contract, registry::Snapshot};

/// How many running instances each service has that has any.
pub(super) fn live(snapshot: &Snapshot) -> HashMap<&str, usize> {
    let mut live = HashMap::new();
    for served in snapshot.instances.values().flat_map(|instance| &instance.services) {
        *live.entry(served.name.as_str()).or_default() += 1;
    }
    live
}

/// The contracts in the order in which they get their routes: services with a running instance before those without
/// any, which may have been renamed or taken away; among equals by name, so that all gateways agree.
pub(super) fn by_precedence<'s>(snapshot: &'s Snapshot, live: &HashMap<&str, usize>) -> Vec<&'s Arc<Contract>> {
    let (mut first, rest): (Vec<_>, Vec<_>) =
        snapshot.contracts.values().partition(|contract| live.contains_key(contract.name.as_str()));
    first.extend(rest);
    first
}
