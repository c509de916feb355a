//! Three servers that are one.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_core::{
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
};
use skyloom_testing::servers::nats_cluster;

use crate::{
    kit::{cast, echo, eventually, number, patiently, queue, request, soon},
    site::connect,
};

/// One of three is killed under load: the cluster goes on, calls too, and nothing that was accepted is lost.
#[tokio::test]
async fn a_cluster_goes_on_without_one_of_its_three_nodes() {
    let mut servers = nats_cluster();
    let hosts = servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port())).join(",");
    let url = format!("nats://{hosts}?replicas=3");
    let (sender, worker) = (connect(&url).await, connect(&url).await);
    // A cluster makes a stream of three replicas only while all three are there.
    let answering = queue("echo.v1");
    let _echo = echo(&worker, &answering).await;
    let channel = queue("kept.v1");
    let mut consumer =
        soon("consume", worker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    let accepted: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let delivered: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let working = tokio::spawn({
        let delivered = Arc::clone(&delivered);
        async move {
            while let Some(delivery) = consumer.next().await {
                delivered.lock().unwrap().insert(number(delivery.envelope()));
                drop(delivery.settle(Settlement::Done).await);
            }
        }
    });
    let sending = tokio::spawn({
        let (sender, accepted) = (sender.clone(), Arc::clone(&accepted));
        async move {
            for n in 0.. {
                let ack = sender.enqueue(&channel, cast(n).into(), EnqueueOptions::default());
                match tokio::time::timeout(Duration::from_secs(6), ack).await {
                    Ok(Ok(())) => drop(accepted.lock().unwrap().insert(n)),
                    Ok(Err(BrokerError::Lost { .. } | BrokerError::Unavailable { .. })) | Err(_) => {}
                    Ok(Err(error)) => panic!("{error}"),
                }
            }
        }
    });
    let count = || accepted.lock().unwrap().len();
    eventually("messages are accepted", || count() >= 200).await;
    servers[0].kill();
    let before = count();
    eventually("the cluster goes on", || count() >= before + 200).await;
    servers[0].restart();
    // The next one may be the leader of the stream, of its consumer or of the cluster.
    servers[1].kill();
    let before = count();
    eventually("the cluster goes on without another", || count() >= before + 200).await;
    sending.abort();
    drop(sending.await);
    eventually("what was accepted is delivered", || accepted.lock().unwrap().is_subset(&delivered.lock().unwrap()))
        .await;
    working.abort();
    let client = Client::new(Arc::new(sender));
    let call = async { while request(&client, &answering, Duration::from_millis(500)).await.is_err() {} };
    patiently("calls go on", call).await;
}
