//! [`RedisLink`]: the registry in Redis. An instance is known for as long as its process says so.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ::redis::{Cmd, FromRedisValue, Value};
use futures_util::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use skyloom_broker::engine::RegistryChange;
use skyloom_core::{
    Guid,
    broker::{Ack, BoxFuture, BrokerError},
    contract::Contract,
    registry::Instance,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use crate::{
    registry::{RegistryLink, RegistryView},
    remote::{BrokerUrl, OpenError, Pauses},
};

use super::{
    link::listen,
    names::Place,
    nodes::Stage,
    open::open,
    scripts::Script,
    shared::Shared,
    trouble::{is_answer, refused, said},
};

/// After so long without a word a process is taken to be gone.
const GONE: Duration = Duration::from_millis(2_200);

/// How often a process says that it is there.
const BEAT: Duration = Duration::from_millis(600);

/// How often the registry is looked at if nobody says that it has changed.
const GLANCE: Duration = Duration::from_secs(2);

/// A registry in Redis, on connections of its own. Clones share them.
#[derive(Clone)]
pub struct RedisLink {
    handle: Arc<Handle>,
}

struct Handle {
    inner: Arc<Inner>,
    view: OnceLock<Arc<RegistryView>>,
}

struct Inner {
    shared: Arc<Shared>,
    place: Arc<Place>,
    /// The instances of this process as they are told, and their contracts by name.
    own: Mutex<BTreeMap<Guid, Own>>,
    registered: Notify,
}

#[derive(Clone)]
struct Own {
    instance: Vec<u8>,
    contracts: Vec<(String, Vec<u8>)>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Those that were not deregistered are gone as soon as nobody speaks for them.
        self.inner.shared.nodes.stage.send_replace(Stage::Closing);
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, BrokerError> {
    serde_json::to_vec(value).map_err(|error| BrokerError::refused(error.to_string()))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl RedisLink {
    /// Connects to the Redis or the cluster that a URL names, and checks that it can be used.
    ///
    /// # Errors
    /// [`OpenError`] says why there is no connection; nobody is waited for longer than `patience`.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        let shared = open(url, patience).await?;
        let place = Arc::new(shared.names.registry());
        let inner = Arc::new(Inner { shared, place, own: Mutex::default(), registered: Notify::new() });
        inner.shared.nodes.runtime.spawn(beat(Arc::clone(&inner)));
        Ok(Self { handle: Arc::new(Handle { inner, view: OnceLock::new() }) })
    }
}

impl Inner {
    fn own(&self) -> BTreeMap<Guid, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What says that these instances are there, with their contracts or only with the names of these.
    fn beat(&self, own: &BTreeMap<Guid, Own>, with_contracts: bool) -> Cmd {
        let mut beat = Script::Registry.call(&[&self.place.base]);
        beat.arg("beat").arg(milliseconds(GONE));
        for (id, own) in own {
            beat.arg(id.to_string()).arg(&own.instance[..]);
        }
        beat.arg("");
        for (name, contract) in own.values().flat_map(|own| &own.contracts) {
            beat.arg(name).arg(if with_contracts { &contract[..] } else { b"" });
        }
        beat
    }

    async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, BrokerError> {
        let answer = self.shared.ask(&self.place, command).await?;
        ::redis::from_redis_value(answer).map_err(|error| BrokerError::refused(error.to_string()))
    }
}

/// Says again and again who is there.
async fn beat(inner: Arc<Inner>) {
    let nodes = &inner.shared.nodes;
    while nodes.is_open() {
        let own = inner.own();
        if !own.is_empty() {
            match inner.ask::<u64>(inner.beat(&own, false)).await {
                // Redis has forgotten somebody, or a contract.
                Ok(unknown) if unknown > 0 => drop(inner.ask::<u64>(inner.beat(&own, true)).await),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the registry does not hear this process"),
            }
        }
        tokio::select! {
            () = sleep(BEAT) => {}
            () = inner.registered.notified(), if own.is_empty() => {}
            () = nodes.left() => {}
        }
    }
}

impl RegistryLink for RedisLink {
    fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack {
        let inner = Arc::clone(&self.handle.inner);
        let id = instance.id;
        let told = json(&instance).and_then(|instance| {
            let named = |contract: &Contract| json(contract).map(|told| (contract.name.clone(), told));
            let contracts = contracts.iter().map(named).collect::<Result<_, _>>()?;
            Ok(Own { instance, contracts })
        });
        let own = match told {
            Ok(own) => own,
            Err(error) => return Ack::ready(Err(error)),
        };
        inner.own.lock().unwrap_or_else(PoisonError::into_inner).insert(id, own.clone());
        inner.registered.notify_one();
        let beat = inner.beat(&BTreeMap::from([(id, own)]), true);
        Ack::running(async move { inner.ask::<u64>(beat).await.map(drop) })
    }

    fn deregister(&self, instance: Guid) -> Ack {
        let inner = &self.handle.inner;
        inner.own.lock().unwrap_or_else(PoisonError::into_inner).remove(&instance);
        let mut leave = Script::Registry.call(&[&inner.place.base]);
        leave.arg("leave").arg(instance.to_string());
        // Sent even if nobody waits for it.
        let (sender, ack) = Ack::waiting();
        let inner = Arc::clone(inner);
        let runtime = inner.shared.nodes.runtime.clone();
        runtime.spawn(async move { sender.send(inner.ask::<u64>(leave).await.map(drop)) });
        ack
    }

    fn forget(&self, service: &str) -> BoxFuture<'static, Result<bool, BrokerError>> {
        let inner = Arc::clone(&self.handle.inner);
        let mut forget = Script::Registry.call(&[&inner.place.base]);
        forget.arg("forget").arg(service);
        Box::pin(async move { inner.ask::<u64>(forget).await.map(|forgotten| forgotten > 0) })
    }

    fn follow(&self) -> Arc<RegistryView> {
        let view = self.handle.view.get_or_init(|| {
            let (view, inner) = (Arc::<RegistryView>::default(), Arc::clone(&self.handle.inner));
            inner.shared.nodes.runtime.clone().spawn(follow(inner, Arc::clone(&view)));
            view
        });
        Arc::clone(view)
    }
}

/// Keeps a view up to date.
async fn follow(inner: Arc<Inner>, view: Arc<RegistryView>) {
    let (nodes, mut pauses, mut seen) = (&inner.shared.nodes, Pauses::default(), Seen::default());
    while nodes.is_open() {
        tokio::select! {
            followed = listen_and_look(&inner, &view, &mut seen, &mut pauses) => {
                if let Err(error) = followed {
                    tracing::debug!(%error, "the registry is not heard");
                    view.failed(error.to_string());
                }
            }
            () = nodes.left() => return,
        }
        sleep(pauses.next()).await;
        drop(nodes.refresh().await);
    }
}

async fn listen_and_look(
    inner: &Inner,
    view: &RegistryView,
    seen: &mut Seen,
    pauses: &mut Pauses,
) -> Result<(), BrokerError> {
    let (nodes, place) = (&inner.shared.nodes, &inner.place);
    let lost = |error: ::redis::RedisError| {
        if is_answer(&error) { refused(&error) } else { BrokerError::lost(said(&error)) }
    };
    let mut connection = listen(&nodes.options, &nodes.of(place.slot).address).await.map_err(lost)?;
    connection.subscribe(format!("{}:changes", place.base)).await.map_err(lost)?;
    let mut changes = connection.into_on_message();
    seen.was_away();
    loop {
        let next = look(inner, view, seen).await?;
        pauses.works();
        match timeout(next, changes.next()).await {
            Ok(None) => return Ok(()),
            // Several changes at once are looked at together.
            Ok(Some(_)) => while let Ok(Some(_)) = timeout(Duration::ZERO, changes.next()).await {},
            Err(_) => {}
        }
    }
}

/// What a registry says of itself.
struct Said {
    /// How far it has counted its changes; none if it never had one.
    version: Option<u64>,
    /// Its time in ms.
    time: u64,
    /// When we heard it.
    at: Instant,
}

/// What was seen of the registry.
#[derive(Default)]
struct Seen {
    is_known: bool,
    /// Its version; none if all of it is to be told.
    version: Option<String>,
    /// What it said when it was looked at last.
    said: Option<Said>,
    /// It was away. Until then it may not know everybody who is there, and nobody is forgotten.
    sparing: Option<Instant>,
}

impl Seen {
    /// The registry was away and is there again. Whoever lives says so within the time after which one who says nothing
    /// is taken to be gone.
    fn was_away(&mut self) {
        if self.is_known {
            self.sparing = Some(Instant::now() + GONE);
        }
    }

    /// Whether it has forgotten those who live: it has lost its memory since it was looked at, or its clock was set forward.
    fn is_forgetful(&self, now: &Said, asked: Instant) -> bool {
        let Some(before) = &self.said else { return false };
        let is_lost = match (before.version, now.version) {
            (Some(_), None) => true,
            // It starts to count at the time, and so later than it had come.
            (Some(old), Some(new)) => old <= before.time && new > before.time,
            (None, _) => false,
        };
        let passed = milliseconds(asked.saturating_duration_since(before.at) + BEAT);
        is_lost || now.time.saturating_sub(before.time) > passed
    }

    /// Before it is looked at: when everybody has had the time to say that he is there, all that it knows is told.
    fn prepare(&mut self) {
        if self.sparing.take_if(|until| *until <= Instant::now()).is_some() {
            self.version = None;
        }
    }
}

/// Looks at the registry, and says when to look again.
async fn look(inner: &Inner, view: &RegistryView, seen: &mut Seen) -> Result<Duration, BrokerError> {
    seen.prepare();
    let asked = Instant::now();
    let mut look = Script::Registry.call(&[&inner.place.base]);
    look.arg("view").arg(seen.version.as_deref().unwrap_or_default());
    let mut answer = inner.ask::<Vec<Value>>(look).await?.into_iter();
    let mut text = || answer.next().and_then(|value| String::from_redis_value(value).ok()).unwrap_or_default();
    let (newest, left) = (text(), text());
    let said = Said { version: newest.parse().ok(), time: text().parse().unwrap_or_default(), at: Instant::now() };
    // One that was slow has not heard the others meanwhile either.
    if asked.elapsed() > BEAT || seen.is_forgetful(&said, asked) {
        seen.was_away();
    }
    seen.said = Some(said);
    let left = left.parse().map_or(GLANCE, |left: u64| Duration::from_millis(left + 5));
    let told = answer.next().zip(answer.next());
    if told.is_some() || seen.version.is_none() {
        if seen.sparing.is_some() {
            view.resume()
        } else {
            view.restart()
        }
        let (instances, contracts) = told.unwrap_or((Value::Nil, Value::Nil));
        read::<Instance>(instances).for_each(|instance| view.apply(RegistryChange::Up(Arc::new(instance))));
        read::<Contract>(contracts).for_each(|contract| view.apply(RegistryChange::Contract(Arc::new(contract))));
        view.apply(RegistryChange::Complete);
    }
    (seen.is_known, seen.version) = (true, Some(newest));
    let spared = seen.sparing.map(|until| until.saturating_duration_since(Instant::now()));
    Ok(left.min(GLANCE).min(spared.unwrap_or(GLANCE)))
}

/// What can be read; what a later version has written differently is left out.
fn read<T: DeserializeOwned>(list: Value) -> impl Iterator<Item = T> {
    let texts: Vec<Vec<u8>> = ::redis::from_redis_value(list).unwrap_or_default();
    texts.into_iter().filter_map(|text| serde_json::from_slice(&text).ok())
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.handle.inner.shared.nodes.options.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_was_emptied_or_whose_clock_was_set_forward_is_seen() {
        let at = Instant::now();
        let is_forgetful = |before: (Option<u64>, u64), now: (Option<u64>, u64)| {
            let said = |(version, time)| Said { version, time, at };
            let seen = Seen { said: Some(said(before)), ..Seen::default() };
            seen.is_forgetful(&said(now), at + Duration::from_secs(1))
        };
        let before = (Some(1_003), 9_000);
        assert!(!is_forgetful(before, (Some(1_004), 10_000)), "it goes on");
        assert!(!is_forgetful((None, 9_000), (Some(9_501), 10_000)), "it begins");
        assert!(is_forgetful(before, (None, 10_000)), "it was emptied");
        assert!(is_forgetful(before, (Some(9_501), 10_000)), "and somebody has registered since");
        assert!(is_forgetful(before, (Some(1_003), 60_000)), "its clock was set forward");
        assert!(!is_forgetful(before, (Some(1_003), 500)), "it was set back");
        assert!(!is_forgetful((Some(1_003), 500), (Some(1_004), 1_500)), "and goes on from there");
    }
}
