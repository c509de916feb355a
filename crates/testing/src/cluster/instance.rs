//! One running instance, and what it takes to start one.

use std::sync::Arc;

use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::{
    Result,
    client::ClientOptions,
    contract::Contract,
    service::{Answer, Definition, Described, HandlerService, Incoming},
    worker::{Running, Server, WorkerOptions},
};
use skyloom_service_registry::memory::MemoryRegistry;
use tower_layer::Layer;
use tower_service::Service;

use super::{probe::Probe, seat::Seat, shared::Shared, tap::Tap};

/// A service that is to be started.
pub(super) struct Part {
    pub(super) contract: Result<Contract>,
    faked: Option<Arc<[&'static str]>>,
    serve: Box<dyn FnOnce(Server, Probe) -> Server + Send>,
}

/// An instance that serves one service on a connection of its own, as a process would.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) seat: Arc<Seat>,
    pub(super) contract: Contract,
    pub(super) running: Running,
}

/// What all instances of a cluster have in common.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) shared: Arc<Shared>,
    pub(super) broker: MemoryBroker,
    pub(super) worker: WorkerOptions,
    pub(super) client: ClientOptions,
}

/// First the layer of the test, then that of the author, then the service.
struct Both<L>(Probe, L);

impl<L: Layer<T>, T> Layer<T> for Both<L>
where
    Probe: Layer<L::Service>,
{
    type Service = <Probe as Layer<L::Service>>::Service;

    fn layer(&self, service: T) -> Self::Service {
        self.0.layer(self.1.layer(service))
    }
}

impl Part {
    /// A service behind a tower layer.
    pub(super) fn new<S, L>(service: S, layer: L) -> Self
    where
        S: Described,
        L: Layer<HandlerService<S>> + Send + 'static,
        L::Service: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Incoming>>::Future: Send,
    {
        Self {
            contract: S::definition().contract(),
            faked: None,
            serve: Box::new(move |server, probe| server.serve_with(service, Both(probe, layer))),
        }
    }

    /// A service that the test makes up.
    pub(super) fn fake<S: Send + Sync + 'static>(
        service: S,
        definition: Definition<S>,
        methods: Vec<&'static str>,
    ) -> Self {
        Self {
            contract: definition.contract(),
            faked: Some(methods.into()),
            serve: Box::new(move |server, probe| server.serve_defined(service, definition, probe)),
        }
    }
}

impl Ground {
    /// Starts an instance.
    pub(super) async fn start(&self, part: Part) -> Result<Instance> {
        let Part { contract, faked, serve } = part;
        let contract = contract?;
        let name = if faked.is_some() { format!("the fake {}", contract.name) } else { contract.name.clone() };
        let number = self.shared.number(&name, contract.clone());
        let seat = Seat::new(number, name, self.broker.connect(), Arc::clone(&self.shared.journal));
        let tap = Arc::new(Tap::new(Arc::clone(&self.shared), Arc::clone(&seat)));
        let (shared, queue) = (Arc::clone(&self.shared), contract.queue.clone());
        let probe = Probe { shared, seat: Arc::clone(&seat), queue, faked };
        let server = Server::with_options(tap, self.worker.clone(), self.client.clone());
        let server = server.registry(Arc::new(MemoryRegistry::new(seat.broker.clone())));
        let running = serve(server, probe).start().await?;
        Ok(Instance { seat, contract, running })
    }
}
