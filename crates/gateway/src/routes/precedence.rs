//! Which contracts get their routes, and in which order.

use std::{collections::HashMap, sync::Arc};

use skyloom::{contract::Contract, registry::Snapshot};

/// The most methods and rules of all services together; contracts come from other processes.
pub(super) const MAX_ROUTES: usize = 65_536;

/// The contracts in the order in which they get their routes, and those that there is no room for.
pub(super) struct Precedence<'s> {
    pub(super) served: Vec<&'s Arc<Contract>>,
    pub(super) left_out: Vec<&'s Arc<Contract>>,
}

/// How many running instances each service has that has any.
pub(super) fn live(snapshot: &Snapshot) -> HashMap<&str, usize> {
    let mut live = HashMap::new();
    for served in snapshot.instances.values().flat_map(|instance| &instance.services) {
        *live.entry(served.name.as_str()).or_default() += 1;
    }
    live
}

/// Services with a running instance go before those without any, which may have been renamed or taken away; among equals
/// it goes by name, so that all gateways agree. One that does not fit beside those before it is left out as a whole.
pub(super) fn by_precedence<'s>(snapshot: &'s Snapshot, live: &HashMap<&str, usize>) -> Precedence<'s> {
    let (first, rest): (Vec<_>, Vec<_>) =
        snapshot.contracts.values().partition(|contract| live.contains_key(contract.name.as_str()));
    let mut room = MAX_ROUTES;
    let (served, left_out) = first.into_iter().chain(rest).partition(|contract| {
        let left = room.checked_sub(size(contract));
        room = left.unwrap_or(room);
        left.is_some()
    });
    Precedence { served, left_out }
}

/// How many routes a contract asks for.
fn size(contract: &Contract) -> usize {
    contract.methods.iter().map(|method| 1 + method.http.len()).sum()
}

/// Why a service has no routes for which there is no room.
pub(super) fn no_room() -> String {
    format!("a gateway has at most {MAX_ROUTES} routes, and those of this service are too many beside the others")
}
