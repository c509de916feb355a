//! What is full.

use skyloom_core::broker::{Broker, BrokerError, EnqueueOptions};
use skyloom_testing::servers::nats_plain;

use crate::{
    kit::{cast, queue, soon},
    site::connect,
};

/// Casts that are more than the server has room for.
const MANY: u32 = 10_000;

/// Others may have taken the room: whoever looks at the queue that he sends to finds it empty.
#[tokio::test]
async fn a_full_server_is_told_from_a_full_queue() {
    let server = nats_plain("jetstream { store_dir: \"store\", max_file_store: 65536 }");
    let broker = connect(&format!("nats://127.0.0.1:{}", server.port())).await;
    let put = async |name: &str, number| {
        soon("a cast", broker.enqueue(&queue(name), cast(number).into(), EnqueueOptions::default())).await
    };
    assert_eq!(put("empty.v1", 0).await, Ok(()));
    let mut number = 0;
    while number < MANY && put("full.v1", number).await.is_ok() {
        number += 1;
    }
    for queue in ["full.v1", "empty.v1"] {
        let refused = put(queue, number).await;
        let Err(BrokerError::Full { what, limit }) = refused else { panic!("{queue}: {refused:?}") };
        assert_eq!(what, "JetStream's storage", "{queue}: {limit}");
        assert!(limit.contains("max_file_store"), "{queue}: {limit}");
    }
}
