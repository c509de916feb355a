//! The registry while its server is away.

use std::time::Duration;

use skyloom_broker_adapters::{redis::RedisLink, registry::RegistryLink};
use skyloom_core::{Guid, contract::Contract, registry::Instance};
use skyloom_testing::servers::{Server, redis_command, redis_launch};
use tokio::time::{Instant, sleep, timeout};

use super::{
    load::{SOON, until},
    support::{PATIENCE, run},
};

fn instance() -> Instance {
    let (services, host, region) = (Vec::new(), String::new(), String::new());
    Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 }
}

async fn registry(server: &Server) -> RedisLink {
    let url = format!("redis://127.0.0.1:{}", server.port()).parse().expect("a URL");
    RedisLink::connect(&url, PATIENCE).await.expect("a registry")
}

/// A server that comes back has forgotten everybody; those who follow the registry do not, for those who live will
/// say so.
#[test]
fn who_lives_is_known_all_the_time_when_a_server_comes_back_empty() {
    run(async {
        let server = Server::start(redis_launch());
        let (follower, one, other) = (registry(&server).await, registry(&server).await, registry(&server).await);
        let (living, dying) = (instance(), instance());
        one.register(living.clone(), Vec::new()).await.expect("it is registered");
        other.register(dying.clone(), Vec::new()).await.expect("it is registered");
        let mut watch = timeout(SOON, follower.follow().watch()).await.expect("it is told");
        let both = watch.wait_for(|seen| seen.instances.len() == 2);
        timeout(SOON, both).await.expect("in time").expect("it is followed");
        let mut other = Some(other);
        for _ in 0..3 {
            assert_eq!(redis_command(&server, "FLUSHALL"), "+OK");
            assert_eq!(redis_command(&server, "CLIENT KILL TYPE pubsub"), ":1", "it follows");
            // Whoever dies meanwhile is forgotten all the same.
            drop(other.take());
            let until = Instant::now() + Duration::from_millis(1_500);
            while Instant::now() < until {
                assert!(watch.borrow().instances.contains_key(&living.id), "it lives");
                sleep(Duration::from_millis(2)).await;
            }
        }
        let only = watch.wait_for(|seen| seen.instances.keys().eq([&living.id]));
        timeout(SOON, only).await.expect("in time").expect("it is followed");
        drop(one);
    });
}

fn contract() -> Contract {
    let contract = serde_json::json!({ "name": "one.v1", "queue": "one.v1", "version": 1, "methods": [] });
    serde_json::from_value(contract).expect("a contract")
}

/// A contract that is lost alone, or that somebody has had forgotten although its service runs, is known again.
#[test]
fn a_contract_that_is_lost_while_its_service_runs_is_known_again() {
    run(async {
        let server = Server::start(redis_launch());
        let process = registry(&server).await;
        process.register(instance(), vec![contract()]).await.expect("it is registered");
        assert_eq!(redis_command(&server, "HLEN skyloom:{registry}:contracts"), ":1");
        assert_eq!(redis_command(&server, "DEL skyloom:{registry}:contracts"), ":1");
        let known = async || redis_command(&server, "HLEN skyloom:{registry}:contracts") == ":1";
        until("the contract is known again", known).await;
    });
}
