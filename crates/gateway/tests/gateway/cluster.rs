//! A broker, services and a gateway in one process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use skyloom::{
    client::{Client, ClientOptions},
    service::Described,
    worker::{Running, Server},
};
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_gateway::{Gateway, GatewayOptions};
use skyloom_service_registry::memory::MemoryRegistry;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{http1::get, library::Library, notes::Notes};

/// A broker, services and a gateway that listens.
pub(crate) struct Cluster {
    pub(crate) broker: MemoryBroker,
    pub(crate) address: SocketAddr,
    pub(crate) services: Option<Running>,
    stop: Option<oneshot::Sender<()>>,
    gateway: JoinHandle<()>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::with(GatewayOptions::default()).await
    }

    pub(crate) async fn with(options: GatewayOptions) -> Self {
        Self::of(ClientOptions::default(), options).await
    }

    /// With a gateway whose client has these options.
    pub(crate) async fn of(client: ClientOptions, options: GatewayOptions) -> Self {
        let mut cluster = Self::without_services(client, options).await;
        cluster.services = Some(cluster.serve_all().await);
        cluster.settle(|status| status == 200, "/v1/books").await;
        cluster
    }

    /// Without a service.
    pub(crate) async fn empty(options: GatewayOptions) -> Self {
        Self::without_services(ClientOptions::default(), options).await
    }

    async fn without_services(client: ClientOptions, options: GatewayOptions) -> Self {
        let broker = MemoryBroker::default();
        let connection = broker.connect();
        let registry = Arc::new(MemoryRegistry::new(connection.clone()));
        let gateway = Gateway::new(Client::with_options(Arc::new(connection), client), registry, options);
        let bound = gateway.bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = bound.local_addr();
        let (stop, stopped) = oneshot::channel();
        let run = async move { bound.run(async { drop(stopped.await) }).await };
        let cluster = Self { broker, address, services: None, stop: Some(stop), gateway: tokio::spawn(run) };
        cluster.settle(|status| status == 200, "/readyz").await;
        cluster
    }

    pub(crate) async fn serve_all(&self) -> Running {
        self.server().serve(Library).serve(Notes).start().await.unwrap()
    }

    pub(crate) async fn serve<S: Described>(&self, service: S) -> Running {
        self.server().serve(service).start().await.unwrap()
    }

    fn server(&self) -> Server {
        let connection = self.broker.connect();
        let registry = Arc::new(MemoryRegistry::new(connection.clone()));
        Server::new(Arc::new(connection)).registry(registry)
    }

    /// Waits until the gateway answers so.
    pub(crate) async fn settle(&self, expected: impl Fn(u16) -> bool, path: &str) {
        for _ in 0..200 {
            if expected(get(self.address, path).await.status) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} did not answer as expected within 2 s: {:?}", get(self.address, path).await);
    }

    /// Tells the gateway to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) {
        self.gateway.await.unwrap();
    }
}
