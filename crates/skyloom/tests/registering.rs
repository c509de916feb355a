//! A registry that is away when an instance starts: it serves all the same, and is listed as soon as that is possible.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{
    Connection,
    broker::BoxFuture,
    contract::Contract,
    prelude::*,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Watch},
    worker::{Running, Server},
};
use tokio::time::{sleep, timeout};

struct Echo;

#[service(version = 1)]
impl Echo {
    #[handler]
    async fn echo(&self, number: Json<u32>) -> Result<Json<u32>> {
        Ok(number)
    }
}

/// A registry that lets nobody in as long as it is away.
#[derive(Debug)]
struct Away {
    registry: Arc<dyn Registry>,
    is_away: Arc<AtomicBool>,
}

impl Registry for Away {
    fn register(
        &self,
        instance: Instance,
        contracts: Vec<Contract>,
    ) -> BoxFuture<'_, std::result::Result<Box<dyn Registration>, RegistryError>> {
        if self.is_away.load(SeqCst) {
            return Box::pin(async { Err(RegistryError::Unavailable("it is away".to_owned())) });
        }
        self.registry.register(instance, contracts)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, std::result::Result<Vec<Arc<Instance>>, RegistryError>> {
        self.registry.list(filter)
    }

    fn watch(&self) -> BoxFuture<'_, std::result::Result<Watch, RegistryError>> {
        self.registry.watch()
    }

    fn contract<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Option<Arc<Contract>>, RegistryError>> {
        self.registry.contract(name)
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::result::Result<bool, RegistryError>> {
        self.registry.forget(name)
    }
}

/// An instance that has started while the registry was away, and how to let the registry come back.
async fn start(connection: &Connection) -> (Running, Arc<AtomicBool>) {
    let is_away = Arc::new(AtomicBool::new(true));
    let away = Away { registry: Arc::clone(&connection.registry), is_away: Arc::clone(&is_away) };
    let server = Server::new(Arc::clone(&connection.broker)).registry(Arc::new(away));
    (server.serve(Echo).start().await.unwrap(), is_away)
}

async fn listed(connection: &Connection) -> usize {
    connection.registry.list(&Filter::default()).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_listed_when_the_registry_is_back_and_until_it_drains() {
    let connection = Connection::memory();
    let (running, is_away) = start(&connection).await;
    assert_eq!(EchoClient::new(connection.client()).echo(Json(7)).await.unwrap().0, 7, "it serves");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(listed(&connection).await, 0);
    is_away.store(false, SeqCst);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(listed(&connection).await, 1);
    running.drain().await;
    assert_eq!(listed(&connection).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_drains_before_that_is_never_listed() {
    let connection = Connection::memory();
    let (running, is_away) = start(&connection).await;
    timeout(Duration::from_secs(5), running.drain()).await.expect("it waits for nobody");
    is_away.store(false, SeqCst);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(listed(&connection).await, 0);
}
