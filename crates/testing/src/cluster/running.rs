//! [`Cluster`]: what a test works with.

use std::{
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use skyloom::Connection;
use skyloom_core::{
    Kind, Payload, Result,
    broker::Broker as _,
    client::{Client, MethodRef, Reply, ServiceClient},
    service::Described,
};
use skyloom_gateway::{Gateway, GatewayOptions};
use skyloom_service_registry::memory::MemoryRegistry;
use tokio::time::Instant;
use tower_layer::Identity;

use super::{
    dead::DeadLetters,
    fault::Fault,
    full::Full,
    hold::Hold,
    hook::Hook,
    http::Http,
    instance::{Ground, Instance, Part},
    left::Left,
    patience::PATIENCE,
    plan::Injected,
    seat::Seat,
    seen::Seen,
    shared::{OWN, Shared},
    tap::Tap,
    target::{Place, Target, Topic},
    unmet::Ending,
};

/// A cluster that runs in the test's own process: from [`TestCluster::start`](super::TestCluster::start).
///
/// Each service is an instance with a connection of its own to the memory broker, as if it were a process.
/// When a cluster is dropped, its instances end as if they were killed; [`Cluster::stop`] drains them.
///
/// A fake is a part of the test: if one panics, the test fails with what it says, at the latest when the cluster is
/// dropped. A service that panics is a failed attempt, as in production. A fault that was injected and that no execution has
/// met fails the test at its end, too.
#[derive(Debug)]
pub struct Cluster {
    ground: Arc<Ground>,
    connection: Connection,
    client: Client,
    instances: Mutex<Vec<Instance>>,
    /// And how many instances there were when it was made.
    gateway: Mutex<Option<(Gateway, usize)>>,
    gateway_options: GatewayOptions,
}

impl Cluster {
    pub(super) fn new(ground: Arc<Ground>, gateway_options: GatewayOptions) -> Self {
        let shared = &ground.shared;
        let broker = ground.broker.connect();
        let seat = Seat::new(OWN, shared.name(OWN), broker.clone(), Arc::clone(&shared.journal));
        let tap = Arc::new(Tap::new(Arc::clone(shared), seat));
        let connection = Connection::new(tap, Arc::new(MemoryRegistry::new(broker)), "memory:");
        let client = connection.client_with(ground.client.clone());
        let (instances, gateway) = (Mutex::default(), Mutex::default());
        Self { ground, connection, client, instances, gateway, gateway_options }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.ground.shared
    }

    fn instances(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn start(&self, part: Part) -> Result<()> {
        let instance = self.ground.start(part).await?;
        self.instances().push(instance);
        self.forget_gateway();
        Ok(())
    }

    /// The next gateway begins with what the registry knows by then, so that nobody has to wait until an
    /// old one has followed.
    fn forget_gateway(&self) {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A service's typed client: `cluster.client::<OrdersClient>()`. [`Client`] itself is one too.
    #[must_use]
    pub fn client<C: ServiceClient>(&self) -> C {
        C::through(self.client.clone())
    }

    /// HTTP through the real gateway, without a socket.
    #[must_use]
    pub fn http(&self) -> Http<'_> {
        let live = self.instances().iter().filter(|instance| !instance.seat.is_lost()).count();
        let mut gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have been lost since.
        gateway.take_if(|(_, then)| *then != live);
        let (gateway, _) = gateway.get_or_insert_with(|| {
            let registry = Arc::clone(&self.connection.registry);
            (Gateway::new(self.client.clone(), registry, self.gateway_options.clone()), live)
        });
        Http::new(gateway.clone())
    }

    /// The test's own connection to the cluster's broker and registry, for an `App` or whatever else takes
    /// one.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Starts one more instance of a service.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn add<S: Described>(&self, service: S) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            if let Err(status) = self.start(Part::new(service, Identity::new())).await {
                panic!("{at}: the instance does not start: {}", status.message());
            }
        }
    }

    /// Publishes an event, as a service would.
    ///
    /// # Errors
    /// As for [`Client::publish`].
    pub async fn publish<E: Payload>(&self, topic: &Topic<E>, event: E) -> Result<()> {
        self.client.publish(topic.name(), event).await
    }

    /// The calls of a method so far, whoever made them.
    ///
    /// # Panics
    /// If a fake has panicked.
    #[must_use]
    #[track_caller]
    pub fn calls<Q: Payload, R: Reply>(&self, method: MethodRef<Q, R>) -> Seen<MethodRef<Q, R>> {
        Seen::new(self.shared(), &method, Kind::Call)
    }

    /// The casts of a method so far, whoever made them.
    ///
    /// # Panics
    /// If a fake has panicked.
    #[must_use]
    #[track_caller]
    pub fn casts<Q: Payload, R: Reply>(&self, method: MethodRef<Q, R>) -> Seen<MethodRef<Q, R>> {
        Seen::new(self.shared(), &method, Kind::Cast)
    }

    /// The events on a topic so far, whether anybody listens or not.
    ///
    /// # Panics
    /// If a fake has panicked.
    #[must_use]
    #[track_caller]
    pub fn events<E: Payload>(&self, topic: Topic<E>) -> Seen<Topic<E>> {
        Seen::new(self.shared(), &topic, Kind::Event)
    }

    /// The dead letters of a method or a topic's listeners as of now.
    ///
    /// # Panics
    /// If a fake has panicked.
    #[track_caller]
    pub fn dead_letters<T: Target>(&self, target: T) -> impl Future<Output = DeadLetters<T>> {
        let at = Location::caller();
        async move {
            self.shared().alarm.check(at);
            match DeadLetters::read(self.shared(), &self.ground.broker, &target).await {
                Ok(letters) => letters,
                Err(error) => panic!("{at}: the broker does not tell its dead letters: {error}"),
            }
        }
    }

    /// Tells of each execution of a method, or of a topic's listeners, that ends from now on.
    #[must_use]
    pub fn hook<T: Target>(&self, target: T) -> Hook<T> {
        Hook::new(self.shared(), &target)
    }

    /// Holds each execution of a method, or of a topic's listeners, from now on before its handler starts.
    #[must_use = "nothing is held once this is dropped"]
    pub fn hold<T: Target>(&self, target: T) -> Hold<T> {
        Hold::new(self.shared(), &target)
    }

    /// Has a fault happen to the next execution of a method, or of a topic's listeners. Several faults
    /// happen one after the other, each to an execution of its own. If no execution has met it by [`Cluster::stop`], or by
    /// the time when the cluster is dropped, the test fails.
    #[track_caller]
    pub fn inject<T: Target>(&self, target: T, fault: Fault) {
        self.shared().plan.inject(Injected { place: target.place(), fault, at: Location::caller() });
    }

    /// Has the queue of a method, or a topic, refuse whatever is sent to it because it is full, until what
    /// is returned is dropped.
    #[must_use = "there is room again as soon as this is dropped"]
    pub fn fill<T: Target>(&self, target: T) -> Full {
        Full::new(self.shared(), target.place())
    }

    /// Loses an instance that serves a method, or that listens to a topic, as `kill -9` would: its handlers
    /// stop where they are, and what it had goes to other instances. With several, it is the oldest.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn lose_worker<T: Target>(&self, target: T) {
        let place = target.place();
        let serves = |instance: &Instance| match &place {
            Place::Method { queue, .. } => instance.contract.queue.as_str() == *queue,
            Place::Topic(topic) => instance.contract.events.iter().any(|event| event.topic == *topic),
        };
        let mut instances = self.instances();
        instances.retain(|instance| !instance.seat.is_lost());
        let Some(at) = instances.iter().position(serves) else {
            let left: Vec<_> = instances.iter().map(|instance| instance.seat.name.clone()).collect();
            drop(instances);
            panic!("no instance serves {place}; there are: {}", left.join(", "));
        };
        let instance = instances.remove(at);
        drop(instances);
        instance.seat.lose();
        self.forget_gateway();
    }

    /// Waits until all work is done: nothing waits in a queue, nothing is held back for later, nothing is
    /// with a worker. Casts and events are work like calls.
    ///
    /// # Panics
    /// If that does not come about within 10 s of the runtime's time, or at once if nobody is there to do what is left;
    /// it says what that is. If a fake panics.
    #[track_caller]
    pub fn idle(&self) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let changed = self.shared().journal.changed.notified();
                let left = self.left().await;
                self.shared().alarm.check(at);
                if left.is_empty() {
                    return;
                }
                let told = || left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                assert!(left.iter().any(|left| left.missing.is_none()), "{at}: work is left: {}", told());
                assert!(Instant::now() < deadline, "{at}: work is left after {PATIENCE:?}: {}", told());
                // A delay ends without anybody noting it.
                drop(tokio::time::timeout(LOOK_AGAIN, changed).await);
            }
        }
    }

    /// What the channels hold that are not empty.
    async fn left(&self) -> Vec<Left> {
        let Some(admin) = self.ground.broker.admin() else { return Vec::new() };
        let channels = admin.channels().await.unwrap_or_default();
        channels.into_iter().filter_map(|stats| Left::of(stats, &self.shared().served)).collect()
    }

    /// Drains all instances, as an operator would: what they have taken is finished first.
    ///
    /// # Panics
    /// If a fake has panicked, or no execution has met a fault that was injected.
    #[track_caller]
    pub fn stop(self) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let instances = std::mem::take(&mut *self.instances());
            for instance in instances {
                if !instance.seat.is_lost() {
                    instance.running.drain().await;
                }
            }
            self.connection.close().await;
            self.shared().alarm.check(at);
            if let Some(unmet) = self.shared().unmet(Ending::Reached) {
                panic!("{at}: {unmet}");
            }
        }
    }
}

/// How long to wait before looking again for work that is left.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl Drop for Cluster {
    fn drop(&mut self) {
        // Before the instances are lost, which is no news.
        let unmet = self.shared().unmet(Ending::Unknown);
        for instance in self.instances().drain(..) {
            instance.seat.lose();
        }
        // What panics already must not do so twice, and has a reason of its own.
        if let Some(what) = self.shared().alarm.take().or(unmet).filter(|_| !std::thread::panicking()) {
            panic!("{what}");
        }
    }
}
