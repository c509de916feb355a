//! Three servers that are one.

use std::sync::Arc;

use skyloom_testing::servers::NatsCluster;

use crate::{load::Load, site::connect};

/// Each of three is killed under load, one after the other, and so the leaders of the cluster, of the stream and of its
/// consumer: the cluster goes on, and nothing that was accepted is lost. The next one dies when the last is well again, for
/// three can do without one and not without two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_without_one_of_its_three_nodes() {
    let mut cluster = NatsCluster::start();
    let url = cluster.url("replicas=3");
    // A cluster makes a stream of three replicas only while all three are there.
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    let load = Load::start(Arc::new(sender), Arc::new(worker)).await;
    for place in 0..3 {
        cluster.await_health();
        cluster.server_mut(place).kill();
        load.goes_on().await;
        cluster.server_mut(place).restart();
        load.goes_on().await;
    }
    load.end().await;
}
