//! Who is hindered: by a server that takes no messages, by his own thread, by a queue that was deleted.

use skyloom_core::broker::{Broker as _, ConsumeOptions, EnqueueOptions};
use tokio::time::timeout;

use crate::{
    ends::{SOON, cast, next, number, queue},
    kit::{connect, corner, troubled},
};

/// A queue that was there may have been deleted by the time that it is consumed.
#[tokio::test]
async fn a_queue_that_was_deleted_is_made_anew_for_who_consumes_it() {
    let own = troubled().await;
    let prefix = corner();
    let broker = connect(own.server().port(), &format!("prefix={prefix}")).await;
    let channel = queue("deleted.v1");
    broker.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    own.control(&["delete_queue", &format!("{prefix}.deleted.v1")]);
    let consumed = timeout(SOON, broker.consume(channel.clone(), ConsumeOptions::default())).await;
    let mut consumer = consumed.expect("it is decided").expect("it can be consumed");
    broker.enqueue(&channel, cast(2), EnqueueOptions::default()).await.expect("it is accepted");
    assert_eq!(number(next(&mut consumer).await.envelope()), 2);
}
