//! The buckets of the registry: who is there, and what everybody offers.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::Value;
use skyloom_broker::engine::RegistryChange;
use skyloom_core::{Guid, broker::BrokerError, contract::Contract, registry::Instance};
use tokio::time::{Instant, sleep};

use super::{
    api::{self, ConsumerInfo, Meaning},
    ask::AskError,
    link::{Link, Phase},
};
use crate::{registry::RegistryView, remote::Pauses};

/// After so long without a word a process is taken to be gone.
const GONE: Duration = Duration::from_millis(2_200);

/// How often it is seen who is gone.
const ROUND: Duration = Duration::from_millis(100);

/// How often the server says that it still follows for us.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// After so long without a word of instances the server itself is silent. Whoever it had told of before then is not
/// taken to be gone yet.
const SILENT: Duration = Duration::from_millis(1_500);

/// The header by which a key is deleted.
pub(super) const OPERATION: &str = "KV-Operation";

/// The names of the two buckets.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    pub(super) instances: String,
    pub(super) contracts: String,
}

impl Buckets {
    pub(super) fn new(prefix: &str) -> Self {
        Self { instances: format!("{prefix}-instances"), contracts: format!("{prefix}-contracts") }
    }

    pub(super) fn instance(&self, id: Guid) -> String {
        format!("$KV.{}.{id}", self.instances)
    }

    /// A service's name may have what a key may not: its bytes in hexadecimal are a key.
    pub(super) fn contract(&self, name: &str) -> String {
        let key: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("$KV.{}.{key}", self.contracts)
    }

    /// The name of which this is the key.
    fn service(key: &str) -> Option<String> {
        let digits = |at: usize| u8::from_str_radix(key.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..key.len()).step_by(2).map(digits).collect();
        String::from_utf8(bytes?).ok()
    }

    /// Makes sure that both are there. Instances are not worth a disk; the server forgets them by itself.
    pub(super) async fn ensure(&self, link: &Link) -> Result<(), AskError> {
        let options = &link.options;
        let instances = api::bucket(&self.instances, GONE, "memory", options.replicas);
        let contracts = api::bucket(&self.contracts, Duration::ZERO, options.storage, options.replicas);
        for (name, config) in [(&self.instances, instances), (&self.contracts, contracts)] {
            let made: Result<Value, _> = link.api(&format!("STREAM.CREATE.KV_{name}"), Some(config)).await;
            match made {
                // It was made with other options, and serves as well.
                Err(error) if error.meaning() != Meaning::Differs => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Keeps a view up to date until the connection is closed.
pub(super) async fn follow(link: Arc<Link>, buckets: Buckets, view: Arc<RegistryView>) {
    let (mut pauses, mut known, mut is_complete) = (Pauses::default(), Known::new(), true);
    while link.awake().await == Phase::Live {
        match open(&link, &buckets).await {
            Ok(mut following) => {
                pauses.works();
                // A server that was away may have forgotten those who could not reach it. What was told before the
                // connection broke stands, for it is known.
                if is_complete {
                    view.resume();
                }
                following.known = known;
                following.spare();
                following.serve(&link, &buckets, &view).await;
                (known, is_complete) = (following.known, following.first == [0, 0]);
            }
            Err(error) => {
                tracing::debug!(?error, "the registry cannot be followed yet");
                view.failed(BrokerError::from(error).to_string());
            }
        }
        tokio::select! {
            () = sleep(pauses.next()) => {}
            () = link.closed() => return,
        }
    }
}

async fn open(link: &Link, buckets: &Buckets) -> Result<Following, AskError> {
    buckets.ensure(link).await?;
    let room = format!("{}.k.{}", link.room, fastrand::u64(..));
    let (contracts, some) = open_bucket(link, &buckets.contracts, format!("{room}.c")).await?;
    let (instances, others) = open_bucket(link, &buckets.instances, format!("{room}.i")).await?;
    let changes = stream::select(contracts, instances);
    let now = Instant::now();
    Ok(Following { changes, first: [some, others], known: Known::new(), heard: [now, now] })
}

/// Follows a bucket, which begins with this many values. The server takes note only of who listens on exactly
/// the subject to which it delivers.
async fn open_bucket(link: &Link, bucket: &str, deliver: String) -> Result<(Subscriber, u64), AskError> {
    let config = api::follower(bucket, &deliver, HEARTBEAT);
    let changes = link.client.subscribe(deliver).await;
    let changes = changes.map_err(|error| AskError::Silent(error.to_string()))?;
    let made: ConsumerInfo = link.api(&format!("CONSUMER.CREATE.KV_{bucket}"), Some(config)).await?;
    Ok((changes, made.delivered.consumer_seq + made.num_pending))
}

fn is_deleted(message: &Message) -> bool {
    message.headers.as_ref().is_some_and(|headers| headers.get(OPERATION).is_some())
}

/// Who is there: as he described himself, and when he was heard last.
type Known = HashMap<Guid, (Bytes, Instant)>;

/// One life of a view.
struct Following {
    changes: stream::Select<Subscriber, Subscriber>,
    /// How many contracts and how many instances are missing until the view is complete.
    first: [u64; 2],
    known: Known,
    /// When the server was heard last about contracts and about instances.
    heard: [Instant; 2],
}

impl Following {
    async fn serve(&mut self, link: &Link, buckets: &Buckets, view: &RegistryView) {
        if self.first == [0, 0] {
            view.apply(RegistryChange::Complete);
        }
        loop {
            tokio::select! {
                message = self.changes.next() => match message {
                    Some(message) => self.hear(&message, buckets, view),
                    None => return,
                },
                () = sleep(ROUND) => {}
                () = link.gone() => return,
            }
            // Whoever has spoken is not gone, however late we listen.
            while let Some(Some(message)) = self.changes.next().now_or_never() {
                self.hear(&message, buckets, view);
            }
            if self.heard[1].elapsed() > SILENT {
                // Nobody can be heard while the server is not.
                self.spare();
            }
            self.forget(Instant::now(), view);
            if self.heard.iter().any(|heard| heard.elapsed() > HEARTBEAT * 4) {
                tracing::debug!("the server has stopped telling of the registry");
                return;
            }
        }
    }

    fn hear(&mut self, message: &Message, buckets: &Buckets, view: &RegistryView) {
        let now = Instant::now();
        let key = |bucket: &str| message.subject.strip_prefix("$KV.")?.strip_prefix(bucket)?.strip_prefix('.');
        if message.status.is_some() {
            // It has nothing more to tell: a value may have been replaced or forgotten before it was told.
            let part = usize::from(message.subject.ends_with(".i"));
            self.told(part, self.first[part], now, view);
        } else if let Some(key) = key(&buckets.instances) {
            self.hear_instance(key, message, now, view);
            self.told(1, 1, now, view);
        } else if let Some(key) = key(&buckets.contracts) {
            match serde_json::from_slice::<Contract>(&message.payload) {
                _ if is_deleted(message) => {
                    if let Some(service) = Buckets::service(key) {
                        view.apply(RegistryChange::Forgotten(service));
                    }
                }
                Ok(contract) => view.apply(RegistryChange::Contract(Arc::new(contract))),
                Err(error) => tracing::warn!(%error, "a contract in the registry cannot be read"),
            }
            self.told(0, 1, now, view);
        }
    }

    /// So many of the first contracts or instances have been told.
    fn told(&mut self, part: usize, values: u64, now: Instant, view: &RegistryView) {
        self.heard[part] = now;
        let was_complete = self.first == [0, 0];
        self.first[part] = self.first[part].saturating_sub(values);
        if !was_complete && self.first == [0, 0] {
            view.apply(RegistryChange::Complete);
        }
    }

    fn hear_instance(&mut self, key: &str, message: &Message, now: Instant, view: &RegistryView) {
        let Ok(id) = key.parse::<Guid>() else { return };
        if is_deleted(message) {
            if self.known.remove(&id).is_some() {
                view.apply(RegistryChange::Down(id));
            }
            return;
        }
        let before = self.known.insert(id, (message.payload.clone(), now));
        if before.is_some_and(|(before, _)| before == message.payload) {
            return;
        }
        match serde_json::from_slice::<Instance>(&message.payload) {
            Ok(instance) => view.apply(RegistryChange::Up(Arc::new(instance))),
            Err(error) => tracing::warn!(%error, "an instance in the registry cannot be read"),
        }
    }

    /// From now on everybody has the time again to say that he is there.
    fn spare(&mut self) {
        let now = Instant::now();
        self.known.values_mut().for_each(|(_, heard)| *heard = now);
    }

    fn forget(&mut self, now: Instant, view: &RegistryView) {
        let is_gone = |heard: &Instant| now.saturating_duration_since(*heard) > GONE;
        for (id, _) in self.known.extract_if(|_, (_, heard)| is_gone(heard)) {
            view.apply(RegistryChange::Down(id));
        }
    }
}
