//! Requests that come before the registry has been heard.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use skyloom::{
    broker::BoxFuture,
    client::Client,
    contract::Contract,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Watch},
    worker::{Running, Server},
};
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_gateway::{Gateway, GatewayOptions};
use skyloom_service_registry::memory::MemoryRegistry;
use tokio::sync::Semaphore;

use super::library::Library;

/// A registry that can be followed only once it has a permit.
#[derive(Debug)]
struct Late {
    registry: MemoryRegistry,
    heard: Semaphore,
}

impl Registry for Late {
    fn register(
        &self,
        instance: Instance,
        contracts: Vec<Contract>,
    ) -> BoxFuture<'_, Result<Box<dyn Registration>, RegistryError>> {
        self.registry.register(instance, contracts)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Arc<Instance>>, RegistryError>> {
        self.registry.list(filter)
    }

    fn watch(&self) -> BoxFuture<'_, Result<Watch, RegistryError>> {
        Box::pin(async {
            self.heard.acquire().await.unwrap().forget();
            self.registry.watch().await
        })
    }

    fn contract<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Arc<Contract>>, RegistryError>> {
        self.registry.contract(service)
    }

    fn forget<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<bool, RegistryError>> {
        self.registry.forget(service)
    }
}

/// A gateway that has not heard its registry, in which a service is registered.
async fn gateway() -> (Gateway, Arc<Late>, Running) {
    let broker = MemoryBroker::default();
    let registry = Arc::new(Late { registry: MemoryRegistry::new(broker.clone()), heard: Semaphore::new(0) });
    let server = Server::new(Arc::new(broker.clone())).registry(registry.clone());
    let running = server.serve(Library).start().await.unwrap();
    let client = Client::new(Arc::new(broker));
    (Gateway::new(client, registry.clone(), GatewayOptions::default()), registry, running)
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).body(Empty::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_the_first_snapshot() {
    let (gateway, registry, _running) = gateway().await;
    let call = Request::post("/library.v1.Library/Path").version(Version::HTTP_2);
    let call = call.header("content-type", "application/grpc").body(Full::from(&b"\0\0\0\0\0"[..])).unwrap();
    let (mut rest, mut grpc) = (pin!(gateway.handle(get("/v1/books"))), pin!(gateway.handle(call)));
    let mut nothing = pin!(gateway.handle(get("/v1/nothing")));
    assert!(
        rest.as_mut().now_or_never().is_none()
            && grpc.as_mut().now_or_never().is_none()
            && nothing.as_mut().now_or_never().is_none()
    );
    registry.heard.add_permits(1);
    assert_eq!((rest.await.status().as_u16(), nothing.await.status().as_u16()), (200, 404));
    let answer = grpc.await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "application/grpc")
    );
    assert_eq!(answer.into_body().collect().await.unwrap().trailers().unwrap()["grpc-status"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_stays_away_is_said_after_a_while() {
    let (gateway, _registry, _running) = gateway().await;
    let answer = gateway.handle(get("/v1/books")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "1"));
}

#[tokio::test]
async fn health_is_told_at_once() {
    let (gateway, _registry, _running) = gateway().await;
    let status = |path| gateway.handle(get(path)).now_or_never().expect("it does not wait").status().as_u16();
    assert_eq!((status("/healthz"), status("/readyz")), (200, 503));
}
