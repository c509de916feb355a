//! Empties tubes that nobody will ever read: inboxes of clients that are gone, instances that have ended,
//! groups that were to end with their consumers.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use skyloom_core::{Channel, broker::BrokerError};
use tokio::time::sleep;

use super::{
    codec::{Command, Reply, Stats, names},
    errand::Errand,
    names::Role,
    shared::Shared,
};

/// How much less often is looked with every tube that there is, so that looking costs little however many there are.
const ROUND_PER_TUBE: Duration = Duration::from_millis(5);

/// At how many tubes one round looks: a sample, since there are as many who look as there are clients.
const SAMPLE: usize = 64;

/// Looks around until the broker is closed. A client that is away for less than a round keeps its inbox.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing();
    let mut suspects = HashSet::new();
    let mut pause = shared.options.sweep;
    loop {
        let jitter = pause.mul_f64(fastrand::f64() / 2.0);
        tokio::select! {
            () = sleep(pause + jitter) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        match round(&shared, &suspects).await {
            Ok((tubes, unwatched)) => {
                suspects = unwatched;
                pause = shared.options.sweep + ROUND_PER_TUBE.saturating_mul(u32::try_from(tubes).unwrap_or(u32::MAX));
            }
            Err(error) => tracing::debug!(%error, "could not look for what was left behind"),
        }
    }
}

/// Empties what was unwatched in the last round and still is. Returns how many tubes there are, and those that
/// are unwatched for the first time.
async fn round(shared: &Shared, suspects: &HashSet<String>) -> Result<(usize, HashSet<String>), BrokerError> {
    let Reply::Ok(list) = shared.answer(None, Command::ListTubes).await? else { return Ok((0, HashSet::new())) };
    let tubes: BTreeSet<&str> = names(&list).collect();
    let mut candidates: Vec<&str> = tubes.iter().copied().filter(|tube| is_private(shared, tube, &tubes)).collect();
    let known = take_suspects(&mut candidates, suspects);
    let others = fastrand::choose_multiple(candidates, SAMPLE);
    let mut unwatched = HashSet::new();
    for tube in known.into_iter().chain(others) {
        if !is_unwatched(shared, tube).await? {
            continue;
        }
        if suspects.contains(tube) {
            purge_if_unwatched(shared, tube).await;
        } else {
            unwatched.insert(tube.to_owned());
        }
    }
    Ok((tubes.len(), unwatched))
}

/// Takes out what was suspected before.
fn take_suspects<'a>(candidates: &mut Vec<&'a str>, suspects: &HashSet<String>) -> Vec<&'a str> {
    let (known, others) = candidates.drain(..).partition(|tube| suspects.contains(*tube));
    *candidates = others;
    known
}

/// Whether a tube is of no use once nobody watches it.
fn is_private(shared: &Shared, tube: &str, tubes: &BTreeSet<&str>) -> bool {
    let names = &shared.options.names;
    match names.role(tube) {
        Some(Role::Inbox | Role::Wake | Role::Work(Channel::Instance(_))) => true,
        Some(Role::Work(group @ Channel::Group(..))) => !tubes.contains(names.marker(&group).as_str()),
        _ => false,
    }
}

async fn is_unwatched(shared: &Shared, tube: &str) -> Result<bool, BrokerError> {
    let reply = shared.answer(None, Command::StatsTube(tube)).await?;
    let Reply::Ok(body) = reply else { return Ok(false) };
    Ok(Stats::of(&body).number("current-watching") == Some(0))
}

/// Empties a tube, so that it vanishes, unless somebody watches it.
pub(super) async fn purge_if_unwatched(shared: &Shared, tube: &str) {
    match purge(shared, tube).await {
        Ok(0) => {}
        Ok(jobs) => tracing::debug!(tube, jobs, "emptied a tube that nobody watches"),
        Err(error) => tracing::debug!(tube, %error, "could not empty a tube that nobody watches"),
    }
}

async fn purge(shared: &Shared, tube: &str) -> Result<u64, BrokerError> {
    let mut errand = Errand::begin(shared).await?;
    let stats = errand.ask(&[Command::StatsTube(tube)]).await?;
    let Some(Reply::Ok(body)) = stats.first() else { return Ok(0) };
    let stats = Stats::of(body);
    if stats.number("current-watching") != Some(0) || stats.number("current-jobs-ready") == Some(0) {
        return Ok(0);
    }
    errand.watch(tube).await?;
    let mut deleted = 0;
    loop {
        let jobs = errand.reserve(1_000).await?;
        if jobs.is_empty() {
            errand.unwatch(tube).await?;
            return Ok(deleted);
        }
        deleted += errand.delete(jobs.into_iter().map(|(id, _)| id)).await?;
    }
}
