//! The registry while its server is away.

use std::time::Duration;

use skyloom_broker_adapters::{nats::NatsLink, registry::RegistryLink};
use skyloom_core::{
    Guid,
    contract::Contract,
    registry::{Instance, Watch},
};
use skyloom_testing::servers::{Server, nats};
use tokio::time::{Instant, sleep};

use crate::{kit::soon, site::PATIENCE};

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
            let (services, host, region) = (Vec::new(), String::new(), String::new());
            let instance = Instance { id, services, host, region, pid: 1, started: 0 };
            link.register(instance, Vec::new()).await.expect("it is registered");
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

/// A registry that has lost everything is told all of it again by a process of several instances.
#[tokio::test]
async fn each_instance_of_a_process_tells_its_contracts_again() {
    let server = nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let link = NatsLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
    for name in ["one.v1", "two.v1"] {
        let contract = serde_json::json!({ "name": name, "queue": name, "version": 1, "methods": [] });
        let contract: Contract = serde_json::from_value(contract).expect("a contract");
        let (services, host, region) = (Vec::new(), String::new(), String::new());
        let instance = Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 };
        link.register(instance, vec![contract]).await.expect("it is registered");
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
