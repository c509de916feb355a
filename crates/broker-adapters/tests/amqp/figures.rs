//! What an operator sees of a server that does not tell everything.

use serde_json::Value;
use skyloom_core::broker::{Broker as _, ConsumeOptions, EnqueueOptions};

use crate::{
    ends::{cast, queue},
    kit::{connect, corner, server},
    load::soon,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_does_not_tell_is_not_zero() {
    let broker = connect(server().server().port(), &format!("prefix={}", corner())).await;
    let channel = queue("figures.v1");
    let _consumer = broker
        .consume(channel.clone(), ConsumeOptions { credit: 1, ..ConsumeOptions::default() })
        .await
        .expect("it is consumed");
    for number in 0..2 {
        broker.enqueue(&channel, cast(number), EnqueueOptions::default()).await.expect("it is accepted");
    }
    let admin = broker.admin().expect("an operator's view");
    let row: Value = soon("the channel is listed", async {
        loop {
            let rows = admin.channels().await.expect("channels can be listed");
            if let Some(row) = rows.iter().find(|row| row.channel == channel) {
                return serde_json::to_value(row).expect("it has JSON");
            }
        }
    })
    .await;
    for (known, figure) in [("dead", 0), ("delayed", 0), ("consumers", 1)] {
        assert_eq!(row[known], figure, "{known}: {row}");
    }
    for unknown in ["leased", "bytes", "enqueued", "settled", "redelivered", "expired", "oldest_ms"] {
        assert_eq!(row[unknown], Value::Null, "{unknown}: {row}");
    }
}
