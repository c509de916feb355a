//! The registry while its server is away.

use std::time::Duration;

use skyloom_broker_adapters::{nats::NatsLink, registry::RegistryLink};
use skyloom_core::{
    Guid,
    contract::Contract,
    registry::{Instance, Watch},
};
use skyloom_testing::servers::{Server, nats};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    kit::{patiently, soon},
    site::{Line, PATIENCE},
};

fn instance() -> Instance {
    let (services, host, region) = (Vec::new(), String::new(), String::new());
    Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 }
}

fn contract(name: &str) -> Contract {
    let contract = serde_json::json!({ "name": name, "queue": name, "version": 1, "methods": [] });
    serde_json::from_value(contract).expect("a contract")
}

/// Two who are registered, each by a process of his own, and somebody who follows them.
struct Known {
    living: (Guid, NatsLink),
    dying: (Guid, NatsLink),
    watch: Watch,
    _follower: NatsLink,
}

impl Known {
    async fn to(server: &Server) -> Self {
        let url = format!("nats://127.0.0.1:{}", server.port()).parse().expect("a URL");
        let connect = async || NatsLink::connect(&url, PATIENCE).await.expect("a registry");
        let register = async || {
            let (link, id) = (connect().await, Guid::private());
            link.register(Instance { id, ..instance() }, Vec::new()).await.expect("it is registered");
            (id, link)
        };
        let (living, dying, follower) = (register().await, register().await, connect().await);
        let mut watch = soon("the registry is told", follower.follow().watch()).await;
        let both = watch.wait_for(|seen| seen.instances.len() == 2);
        drop(soon("both are known", both).await.expect("it is followed"));
        Self { living, dying, watch, _follower: follower }
    }

    async fn lives_for(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            assert!(self.watch.borrow().instances.contains_key(&self.living.0), "it lives");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whoever died meanwhile is forgotten all the same.
    async fn ends(self) {
        let Self { living: (living, _link), dying: (_, dead), mut watch, .. } = self;
        drop(dead);
        let only = watch.wait_for(|seen| seen.instances.keys().eq([&living]));
        drop(soon("the dead is forgotten", only).await.expect("it is followed"));
    }
}

/// A server that comes back has forgotten everybody; those who follow the registry have not, for those who live will
/// say so.
#[tokio::test]
async fn who_lives_is_known_all_the_time_when_a_server_comes_back_empty() {
    let mut server = nats();
    let known = Known::to(&server).await;
    server.kill();
    known.lives_for(Duration::from_secs(1)).await;
    server.restart();
    known.lives_for(Duration::from_secs(2)).await;
    known.ends().await;
}

/// Nobody can be heard through a server that is frozen, and so nobody is taken to be gone.
#[tokio::test]
async fn who_lives_is_known_all_the_time_when_a_server_is_frozen() {
    let server = nats();
    let known = Known::to(&server).await;
    server.freeze();
    known.lives_for(Duration::from_secs(3)).await;
    server.thaw();
    known.lives_for(Duration::from_secs(1)).await;
    known.ends().await;
}

/// So many instances that say again and again that they are there.
async fn lively(url: &str, count: usize, pause: Duration) -> JoinHandle<()> {
    let operator = async_nats::connect(url).await.expect("it is there");
    tokio::spawn(async move {
        let instances: Vec<_> = std::iter::repeat_with(instance).take(count).collect();
        loop {
            for one in &instances {
                let told = serde_json::to_string(one).expect("JSON");
                let told = operator.publish(format!("$KV.skyloom-instances.{}", one.id), told.into());
                told.await.expect("it is told");
            }
            operator.flush().await.expect("it is told");
            sleep(pause).await;
        }
    })
}

/// Who begins to follow a registry is told of everything at first, however much is said meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_that_is_told_is_everything() {
    const COUNT: usize = 200;
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let link = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
    let contracts = (0..COUNT).map(|n| Contract { docs: "long ".repeat(20_000), ..contract(&format!("number{n}.v1")) });
    link.register(instance(), contracts.collect()).await.expect("it is registered");
    let living = lively(&url, 50, Duration::ZERO).await;
    for _ in 0..3 {
        let follower = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
        let watch = soon("the registry is told", follower.follow().watch()).await;
        assert_eq!(watch.borrow().contracts.len(), COUNT);
    }
    living.abort();
}

/// Whoever was told before the connection of a follower broke is known after it as well, although he is told no news.
#[tokio::test]
async fn who_was_told_when_a_followers_connection_broke_is_known_after_it() {
    const COUNT: usize = 300;
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let one = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
    one.register(instance(), Vec::new()).await.expect("it is registered");
    let living = lively(&url, COUNT - 1, Duration::from_millis(300)).await;
    sleep(Duration::from_millis(300)).await;
    // Each of them is some 300 bytes.
    let line = Line::breaking_after(40_000, server.port()).await;
    let url = format!("nats://127.0.0.1:{}", line.port).parse().expect("a URL");
    let follower = NatsLink::connect(&url, PATIENCE).await.expect("a registry");
    let mut watch = soon("the registry is told", follower.follow().watch()).await;
    let all = watch.wait_for(|seen| seen.instances.len() == COUNT);
    drop(soon("all are known", all).await.expect("it is followed"));
    living.abort();
}

/// A registry that has lost everything is told all of it again by a process of several instances.
#[tokio::test]
async fn each_instance_of_a_process_tells_its_contracts_again() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let link = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
    for name in ["one.v1", "two.v1"] {
        let contract = contract(name);
        link.register(instance(), vec![contract]).await.expect("it is registered");
    }
    let operator = async_nats::connect(&url).await.expect("it is there");
    let ask = async |subject: &str| {
        let answer = operator.request(format!("$JS.API.{subject}"), "".into()).await.expect("an answer");
        serde_json::from_slice::<serde_json::Value>(&answer.payload).expect("JSON")
    };
    for bucket in ["KV_skyloom-contracts", "KV_skyloom-instances"] {
        let deleted = ask(&format!("STREAM.DELETE.{bucket}")).await;
        assert_eq!(deleted["success"], true, "{deleted}");
    }
    let both = async {
        while ask("STREAM.INFO.KV_skyloom-contracts").await["state"]["messages"] != 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon("both contracts are known again", both).await;
}

/// Contracts that are lost alone, or one that somebody has had forgotten although its service runs, are known again.
#[tokio::test]
async fn a_contract_that_is_lost_while_its_service_runs_is_known_again() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let link = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
    link.register(instance(), vec![contract("one.v1")]).await.expect("it is registered");
    let operator = async_nats::jetstream::new(async_nats::connect(&url).await.expect("it is there"));
    let known = async || {
        let Ok(contracts) = operator.get_key_value("skyloom-contracts").await else { return false };
        matches!(contracts.get("6f6e652e7631").await, Ok(Some(_)))
    };
    assert!(known().await, "it was told");
    let again = async || {
        while !known().await {
            sleep(Duration::from_millis(50)).await
        }
    };
    let contracts = operator.get_key_value("skyloom-contracts").await.expect("a bucket");
    contracts.delete("6f6e652e7631").await.expect("it is forgotten");
    assert!(!known().await, "it is forgotten");
    patiently("it is known again", again()).await;
    operator.delete_key_value("skyloom-contracts").await.expect("it is deleted");
    assert!(!known().await, "it is deleted");
    patiently("it is known again", again()).await;
}
