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

/// So are they when only its memory is lost, and no connection.
#[test]
fn who_lives_is_known_all_the_time_when_a_server_is_emptied() {
    run(async {
        let server = Server::start(redis_launch());
        let follower = registry(&server).await;
        let mut living = Vec::new();
        for _ in 0..8 {
            let (one, process) = (instance(), registry(&server).await);
            process.register(one, vec![contract()]).await.expect("it is registered");
            living.push(process);
        }
        let mut watch = timeout(SOON, follower.follow().watch()).await.expect("it is told");
        let all = watch.wait_for(|seen| seen.instances.len() == living.len());
        timeout(SOON, all).await.expect("in time").expect("it is followed");
        for _ in 0..2 {
            assert_eq!(redis_command(&server, "FLUSHALL"), "+OK");
            let until = Instant::now() + Duration::from_secs(3);
            while Instant::now() < until {
                let seen = watch.borrow_and_update().clone();
                assert_eq!((seen.instances.len(), seen.contracts.len()), (living.len(), 1), "they live");
                sleep(Duration::from_millis(2)).await;
            }
        }
        // Whoever dies is forgotten as ever.
        living.pop();
        let others = watch.wait_for(|seen| seen.instances.len() == living.len());
        timeout(SOON, others).await.expect("in time").expect("it is followed");
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

/// Processes that die without a word leave nothing behind, also where nobody follows the registry.
#[test]
fn nothing_is_left_of_those_who_died_while_nobody_looked() {
    run(async {
        let server = Server::start(redis_launch());
        for _ in 0..3 {
            let process = registry(&server).await;
            process.register(instance(), Vec::new()).await.expect("it is registered");
        }
        sleep(Duration::from_millis(2_500)).await;
        let process = registry(&server).await;
        process.register(instance(), Vec::new()).await.expect("it is registered");
        for count in ["ZCARD skyloom:{registry}:instances", "HLEN skyloom:{registry}:data"] {
            assert_eq!(redis_command(&server, count), ":1", "{count}");
        }
    });
}

/// Whoever dies is forgotten soon also by a server whose clock was set back, or is behind that of the one before it.
#[test]
fn a_clock_that_is_set_back_keeps_nobody() {
    run(async {
        let server = Server::start(redis_launch());
        let (follower, process) = (registry(&server).await, registry(&server).await);
        let dead = instance();
        process.register(dead.clone(), Vec::new()).await.expect("it is registered");
        let mut watch = timeout(SOON, follower.follow().watch()).await.expect("it is told");
        let there = watch.wait_for(|seen| seen.instances.contains_key(&dead.id));
        timeout(SOON, there).await.expect("in time").expect("it is followed");
        drop(process);
        // As it said before, far ahead.
        let said = format!("ZADD skyloom:{{registry}}:instances 9999999999999 {}", dead.id);
        assert_eq!(redis_command(&server, &said), ":0", "it is known");
        let gone = watch.wait_for(|seen| seen.instances.is_empty());
        timeout(SOON, gone).await.expect("in time").expect("it is followed");
    });
}
