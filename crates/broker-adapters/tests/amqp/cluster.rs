//! Three servers that are one, with quorum queues.

use std::sync::Arc;

use skyloom_broker_adapters::amqp::AmqpBroker;
use skyloom_testing::servers::RabbitMq;

use crate::{
    ends::queue,
    kit::{PATIENCE, cluster_url, corner},
    load::Load,
    traffic::Traffic,
};

/// A connection to this node, or to the others if it is away.
async fn connect(ports: &[u16; 3], first: usize, options: &str) -> AmqpBroker {
    let mut hosts = *ports;
    hosts.rotate_left(first);
    AmqpBroker::connect(&cluster_url(&hosts, options), PATIENCE).await.expect("the broker can be used")
}

/// Each of three is killed under load, one after the other, and so the node of the sender, that of the worker, and the
/// leader of each queue: the cluster goes on, nothing that was accepted is lost, and every call ends. The next one dies when
/// the last is well again, for three can do without one and not without two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_without_one_of_its_three_nodes() {
    let mut nodes = RabbitMq::cluster();
    let ports = nodes.each_ref().map(|node| node.server().port());
    let options = format!("queue=quorum&heartbeat=2&prefix={}", corner());
    let (sender, worker) = (connect(&ports, 0, &options).await, connect(&ports, 1, &options).await);
    let load = Load::start(Arc::new(sender.clone()), Arc::new(worker.clone())).await;
    let traffic = Traffic::start(sender, worker, queue("busy.v1")).await;
    for node in &mut nodes {
        node.await_majorities_without();
        node.server_mut().kill();
        load.goes_on().await;
        traffic.goes_on(50).await;
        node.server_mut().restart();
        load.goes_on().await;
        traffic.goes_on(50).await;
    }
    load.end().await;
    traffic.end().await;
}
