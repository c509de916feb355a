//! Three servers that are one.

use std::sync::Arc;

use skyloom_testing::servers::nats_cluster;

use crate::{load::Load, site::connect};

/// Each of three is killed under load, one after the other, and so the leaders of the cluster, of the stream and of its
/// consumer: the cluster goes on, and nothing that was accepted is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_without_one_of_its_three_nodes() {
    let mut servers = nats_cluster();
    let hosts = servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port())).join(",");
    let url = format!("nats://{hosts}?replicas=3");
    // A cluster makes a stream of three replicas only while all three are there.
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let load = Load::start(Arc::new(sender), Arc::new(worker)).await;
    for server in &mut servers {
        server.kill();
        load.goes_on().await;
        server.restart();
        load.goes_on().await;
    }
    load.end().await;
}
