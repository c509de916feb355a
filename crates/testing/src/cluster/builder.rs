//! [`TestCluster`] itself.

use std::{future::ready, panic::Location, sync::Arc};

use skyloom::embedded::Limits;
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::{
    Context, Payload, Result, Status,
    client::{ClientOptions, MethodRef, Reply},
    service::{Answer, Described, HandlerService, Incoming},
    worker::WorkerOptions,
};
use skyloom_gateway::GatewayOptions;
use tower_layer::{Identity, Layer};
use tower_service::Service;

use super::{
    fake::{Fake, FakeParts},
    instance::{Ground, Part},
    running::Cluster,
    shared::Shared,
};

/// A cluster for a test that is being put together: real services, fakes, and how they run.
#[derive(Default)]
#[must_use = "a cluster does nothing until it is started"]
pub struct TestCluster {
    parts: Vec<Part>,
    fakes: Vec<FakeParts>,
    /// The queues that are served only later.
    later: Vec<&'static str>,
    /// What is to be done first.
    first: Option<fn()>,
    limits: Limits,
    worker: WorkerOptions,
    client: ClientOptions,
    gateway: GatewayOptions,
}

impl TestCluster {
    /// A cluster without a service yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an instance of a service. Added twice, a service has two instances that compete for its work.
    pub fn with<S: Described>(self, service: S) -> Self {
        self.with_layer(service, Identity::new())
    }

    /// Adds an instance of a service behind a tower layer, as `App::serve_with` does.
    pub fn with_layer<S, L>(mut self, service: S, layer: L) -> Self
    where
        S: Described,
        L: Layer<HandlerService<S>> + Send + 'static,
        L::Service: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Incoming>>::Future: Send,
    {
        self.parts.push(Part::new(service, layer));
        self
    }

    /// Has a method answered by this function instead of its service. The types are the method's own. What
    /// is faked of one service is one fake: its methods that nobody fakes answer that they are not there. If the
    /// function panics, by an assertion of what it is asked, the test fails with that.
    ///
    /// ```
    /// # use skyloom::prelude::*;
    /// # #[derive(Serialize, Deserialize)] struct Charge { amount: u32 }
    /// # #[derive(Serialize, Deserialize)] struct Receipt { number: String }
    /// # struct Payments;
    /// # #[service(version = 1)]
    /// # impl Payments {
    /// #     #[handler]
    /// #     async fn charge(&self, _charge: Json<Charge>) -> Result<Json<Receipt>> { Err(Status::unavailable("no")) }
    /// # }
    /// # use skyloom_testing::TestCluster;
    /// let cluster = TestCluster::new()
    ///     .fake(PaymentsClient::CHARGE, |Json(charge)| Ok(Json(Receipt { number: charge.amount.to_string() })));
    /// ```
    ///
    /// What answers with something else does not compile:
    ///
    /// ```compile_fail
    /// # use skyloom::prelude::*;
    /// # #[derive(Serialize, Deserialize)] struct Charge { amount: u32 }
    /// # #[derive(Serialize, Deserialize)] struct Receipt { number: String }
    /// # struct Payments;
    /// # #[service(version = 1)]
    /// # impl Payments {
    /// #     #[handler]
    /// #     async fn charge(&self, _charge: Json<Charge>) -> Result<Json<Receipt>> { Err(Status::unavailable("no")) }
    /// # }
    /// # use skyloom_testing::TestCluster;
    /// let cluster = TestCluster::new()
    ///     .fake(PaymentsClient::CHARGE, |Json(charge)| Ok(Json(charge)));
    /// ```
    pub fn fake<Q, R, F>(self, method: MethodRef<Q, R>, answer: F) -> Self
    where
        Q: Payload,
        R: Reply,
        F: Fn(Q) -> Result<R> + Send + Sync + 'static,
    {
        self.fake_with(method, move |_, request| ready(answer(request)))
    }

    /// As [`TestCluster::fake`], for a function that awaits something or wants to know the [`Context`]: it can
    /// call and publish as any handler can.
    pub fn fake_with<Q, R, F, Fut>(mut self, method: MethodRef<Q, R>, answer: F) -> Self
    where
        Q: Payload,
        R: Reply,
        F: Fn(Context, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let at = self.fakes.iter().position(|fake| fake.queue == method.queue());
        let fake = at.map_or_else(|| FakeParts::of(&method), |at| self.fakes.remove(at));
        self.fakes.push(fake.method(&method, answer));
        self
    }

    /// Announces that the service of this method comes later: by [`Cluster::add`], or by an `App` on
    /// [`Cluster::connection`]. Until then its calls wait for it, as they do in production. Calls of a service that
    /// was never in the cluster are refused at once, because waiting for it is seldom what a test is about.
    pub fn later<Q, R>(mut self, method: MethodRef<Q, R>) -> Self {
        self.later.push(method.queue());
        self
    }

    /// Pauses the runtime's clock: time passes at once whenever nothing else happens, so that a pause of
    /// minutes takes none. It needs the runtime of one thread that `#[tokio::test]` has; if that is started
    /// paused already, this changes nothing.
    #[cfg(feature = "paused")]
    pub fn paused(mut self) -> Self {
        self.first = Some(super::clock::pause);
        self
    }

    /// How workers behave: attempts, leases, concurrency, the time for a drain.
    pub fn worker(mut self, options: WorkerOptions) -> Self {
        self.worker = options;
        self
    }

    /// How clients behave, the services' own included: timeouts and retries.
    pub fn client(mut self, options: ClientOptions) -> Self {
        self.client = options;
        self
    }

    /// What the broker holds at most.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the gateway allows.
    pub fn gateway(mut self, options: GatewayOptions) -> Self {
        self.gateway = options;
        self
    }

    /// Starts everything; when it returns, all services take work.
    ///
    /// # Panics
    /// If that is not possible: see [`TestCluster::try_start`].
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Cluster> {
        let at = Location::caller();
        async move {
            match self.try_start().await {
                Ok(cluster) => cluster,
                Err(status) => panic!("{at}: the cluster does not start: {}", status.message()),
            }
        }
    }

    /// As [`TestCluster::start`], for a test about what cannot start.
    ///
    /// # Errors
    /// If a service's contract breaks the rules, a service is there and faked as well, a method is faked
    /// twice, or the broker's limits are too small.
    pub async fn try_start(self) -> Result<Cluster> {
        let Self { mut parts, fakes, later, first, limits, worker, client, gateway } = self;
        if let Some(first) = first {
            first();
        }
        for FakeParts { queue, name, methods, definition } in fakes {
            let is_own = |part: &Part| part.contract.as_ref().is_ok_and(|own| own.queue.as_str() == queue);
            if parts.iter().any(is_own) {
                let message = format!("{name} is both served and faked: leave out one of them");
                return Err(Status::invalid_argument(message));
            }
            let twice =
                methods.iter().enumerate().find(|(at, method)| methods.iter().take(*at).any(|own| own == *method));
            if let Some((_, method)) = twice {
                let advice = "leave out one of the two, or tell the cases apart by the request in one function";
                return Err(Status::invalid_argument(format!("{name}/{method} is faked twice: {advice}")));
            }
            parts.push(Part::fake(Fake, definition, methods));
        }
        let ground = Ground { shared: Shared::new(), broker: MemoryBroker::new(limits), worker, client };
        // First, because services may call each other as soon as one of them has started.
        let queues = parts.iter().filter_map(|part| Some(part.contract.as_ref().ok()?.queue.as_str()));
        later.into_iter().chain(queues).for_each(|queue| ground.shared.served.add(queue));
        let cluster = Cluster::new(Arc::new(ground), gateway);
        for part in parts {
            cluster.start(part).await?;
        }
        Ok(cluster)
    }
}

impl std::fmt::Debug for TestCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let served: Vec<_> = self.parts.iter().filter_map(|part| Some(&part.contract.as_ref().ok()?.name)).collect();
        let faked: Vec<_> = self.fakes.iter().map(|fake| fake.name).collect();
        f.debug_struct("TestCluster").field("served", &served).field("faked", &faked).finish_non_exhaustive()
    }
}
