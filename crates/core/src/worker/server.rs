//! An instance: services, their channels, and the life from start to drain.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Semaphore, oneshot},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};
use tower_layer::{Identity, Layer};
use tower_service::Service;

use super::{
    LogControl, WorkerOptions,
    alone::Source,
    lane::{Lane, Treatment, Treatments},
    own::{Own, Services, consume_options},
    register::Registered,
    shared::Shared,
};
use crate::{
    Channel, GroupName, Guid, Result, Status,
    broker::{BoxFuture, Broker, ConsumeOptions, Consumer},
    client::{Client, ClientOptions},
    contract::Contract,
    registry::{Instance, Registry},
    service::{Answer, Definition, Described, HandlerService, Incoming},
};

type Start = Box<dyn FnOnce(Arc<Shared>) -> BoxFuture<'static, Result<Lanes>> + Send>;

/// What serves the channels of one service, and its methods where this instance is meant and no other.
struct Lanes {
    shared: Vec<BoxFuture<'static, ()>>,
    own: Services,
}

/// An instance that is being put together: one process, one or more services.
pub struct Server {
    shared: Arc<Shared>,
    registry: Option<Arc<dyn Registry>>,
    contracts: Vec<Contract>,
    starts: Vec<Start>,
    mistake: Option<Status>,
}

impl Server {
    /// An instance with default options.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self::with_options(broker, WorkerOptions::default(), ClientOptions::default())
    }

    /// An instance with these options.
    #[must_use]
    pub fn with_options(broker: Arc<dyn Broker>, worker: WorkerOptions, client: ClientOptions) -> Self {
        let client = Client::with_options(broker, client);
        Self {
            shared: Shared::new(client, worker),
            registry: None,
            contracts: Vec::new(),
            starts: Vec::new(),
            mistake: None,
        }
    }

    /// Registers the instance here while it runs.
    #[must_use]
    pub fn registry(mut self, registry: Arc<dyn Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Lets an operator ask and change through this what the process logs.
    #[must_use]
    pub fn log_control(self, control: LogControl) -> Self {
        // Only the first one counts.
        drop(self.shared.log.set(control));
        self
    }

    /// A client on the same connection.
    #[must_use]
    pub fn client(&self) -> Client {
        self.shared.client.clone()
    }

    /// The instance's GUID.
    #[must_use]
    pub fn instance(&self) -> Guid {
        self.shared.instance
    }

    /// Adds a service.
    #[must_use]
    pub fn serve<S: Described>(self, service: S) -> Self {
        self.serve_with(service, Identity::new())
    }

    /// Adds a service behind a tower layer.
    #[must_use]
    pub fn serve_with<S, L>(self, service: S, layer: L) -> Self
    where
        S: Described,
        L: Layer<HandlerService<S>>,
        L::Service: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Incoming>>::Future: Send,
    {
        self.serve_defined(service, S::definition(), layer)
    }

    /// Adds a service that is put together while the program runs, behind a tower layer.
    #[must_use]
    pub fn serve_defined<S, L>(mut self, service: S, definition: Definition<S>, layer: L) -> Self
    where
        S: Send + Sync + 'static,
        L: Layer<HandlerService<S>>,
        L::Service: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Incoming>>::Future: Send,
    {
        match definition.contract() {
            Ok(contract) => {
                let handlers = HandlerService::new(service, definition);
                let methods = handlers.options().map(|(name, options)| Treatment::new(name, options));
                let methods = Treatments::new(methods);
                let stack = layer.layer(handlers);
                self.contracts.push(contract.clone());
                self.starts.push(Box::new(move |shared| Box::pin(start_service(shared, contract, stack, methods))));
            }
            Err(status) => self.mistake = Some(status),
        }
        self
    }

    /// Starts consuming and registers. When it returns, every channel is being consumed.
    ///
    /// # Errors
    /// If a service's definition is wrong or the broker refuses.
    pub async fn start(self) -> Result<Running> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        // Before the services, whose first reply names the instance: a call for it, or the end of a stream, may follow at
        // once. What comes waits until all services are there.
        let channel = Channel::Instance(self.shared.instance);
        let consumer = self.shared.client.broker().consume(channel, consume_options(&self.shared)).await?;
        let (mut lanes, mut services) = (JoinSet::new(), Services::new());
        for start in self.starts {
            let started = start(Arc::clone(&self.shared)).await?;
            for lane in started.shared {
                lanes.spawn(lane);
            }
            services.extend(started.own);
        }
        let (leave, left) = oneshot::channel();
        let own = tokio::spawn(Own::new(Arc::clone(&self.shared), services).run(consumer, left));
        let instance = describe(&self.shared, &self.contracts);
        let registered = match self.registry {
            Some(registry) => Some(Registered::start(registry, instance, self.contracts).await),
            None => None,
        };
        Ok(Running { shared: self.shared, lanes, own, leave, registered })
    }

    /// Starts, serves until `shutdown` resolves or an operator asks for a drain, and drains.
    ///
    /// # Errors
    /// As for [`Server::start`], and `Unavailable` if the broker closed while serving.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let mut running = self.start().await?;
        let shared = Arc::clone(&running.shared);
        let ended = tokio::select! {
            () = shutdown => false,
            () = shared.drain_requested.notified() => false,
            () = running.closed() => true,
        };
        running.drain().await;
        if ended { Err(Status::unavailable("the broker closed the service's channels")) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("instance", &self.shared.instance).finish_non_exhaustive()
    }
}

fn describe(shared: &Shared, contracts: &[Contract]) -> Instance {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Instance {
        id: shared.instance,
        services: contracts.iter().map(Contract::service_ref).collect(),
        host: shared.options.host.clone(),
        region: shared.options.region.clone(),
        pid: std::process::id(),
        started: since_epoch.as_secs(),
    }
}

async fn start_service<T>(shared: Arc<Shared>, contract: Contract, stack: T, methods: Treatments) -> Result<Lanes>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    let options = shared.options.consume();
    let mut channels = Vec::new();
    let mut lanes = Lanes { shared: Vec::new(), own: Services::new() };
    if !contract.methods.is_empty() {
        let channel = contract.queue.to_string();
        let own = Some(Semaphore::new((options.credit as usize).min(Semaphore::MAX_PERMITS)));
        let methods = methods.clone().counted(&shared, &channel);
        let lane = Lane { channel, service: stack.clone(), shared: Arc::clone(&shared), methods, own };
        lanes.own.push((contract.queue.clone(), Arc::new(lane)));
        channels.push((Channel::Queue(contract.queue.clone()), options));
    }
    for event in &contract.events {
        let own = || GroupName::new(format!("each.{}", shared.instance));
        let ephemeral = event.group.is_none();
        let group = event.group.clone().map_or_else(own, Ok)?;
        channels.push((Channel::Group(event.topic.clone(), group), ConsumeOptions { ephemeral, ..options }));
    }
    for (channel, options) in channels {
        let name = channel.to_string();
        // What a topic's events are called has nothing to do with the names of methods.
        let methods =
            if channel.queue().is_some() { methods.clone().counted(&shared, &name) } else { Treatments::default() };
        let (service, shared) = (stack.clone(), Arc::clone(&shared));
        let lane = Arc::new(Lane { channel: name, service, shared: Arc::clone(&shared), methods, own: None });
        let consumer: Consumer = shared.client.broker().consume(channel.clone(), options).await?;
        lanes.shared.push(Box::pin(lane.run(Source { channel, options }, consumer)));
    }
    Ok(lanes)
}

/// How long those are answered at the end of a drain who have called the instance itself meanwhile.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// How long a drain waits for the registry, on which nothing that is being served depends.
const DEREGISTERING: Duration = Duration::from_secs(1);

/// An instance that serves.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    lanes: JoinSet<()>,
    own: JoinHandle<()>,
    /// Dropping it ends `own`.
    leave: oneshot::Sender<()>,
    registered: Option<Registered>,
}

impl Running {
    /// The instance's GUID.
    #[must_use]
    pub fn instance(&self) -> Guid {
        self.shared.instance
    }

    /// A client on the same connection.
    #[must_use]
    pub fn client(&self) -> Client {
        self.shared.client.clone()
    }

    /// Resolves when an operator asks for a drain.
    pub fn drain_requested(&self) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move { shared.drain_requested.notified().await }
    }

    /// Resolves when the broker has closed one of the instance's channels.
    pub async fn closed(&mut self) {
        if self.lanes.join_next().await.is_none() {
            // A process may serve nothing but its instance channel.
            std::future::pending().await
        }
    }

    /// Deregisters, stops consuming, finishes what it has taken, and returns; what is not finished
    /// within the drain time is given back. Who calls this very instance meanwhile hears that it ends.
    pub async fn drain(self) {
        let time = self.shared.options.drain;
        self.drain_within(time).await;
    }

    /// The same with another drain time than the options have it.
    pub async fn drain_within(mut self, time: Duration) {
        let begun = Instant::now();
        if let Some(registered) = self.registered.take()
            && timeout(time.min(DEREGISTERING), registered.stop()).await.is_err()
        {
            tracing::warn!("the registry did not say that it has taken note; draining all the same");
        }
        self.shared.draining.send_replace(true);
        let finish = async {
            while self.lanes.join_next().await.is_some() {}
            self.shared.in_flight.wait_idle().await;
        };
        if timeout(time.saturating_sub(begun.elapsed()), finish).await.is_err() {
            let left = self.shared.in_flight.count();
            tracing::warn!(left, "the drain time is over; what is left goes back to its queue");
            self.shared.given_up.send_replace(true);
            self.lanes.abort_all();
        }
        drop(self.leave);
        let own = self.own.abort_handle();
        let ended = async {
            drop(self.own.await);
            // What was given up goes back before the connection is closed.
            self.shared.in_flight.wait_idle().await;
        };
        if timeout(LAST_ANSWERS, ended).await.is_err() {
            own.abort();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("instance", &self.instance).finish_non_exhaustive()
    }
}
