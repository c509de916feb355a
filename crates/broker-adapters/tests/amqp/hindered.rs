//! Who is hindered: by a server that takes no messages, by his own thread, by a queue that was deleted.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use skyloom_core::{
    Envelope, Kind,
    broker::{Broker as _, ConsumeOptions, EnqueueOptions, Settlement},
};
use tokio::time::timeout;

use crate::{
    ends::{Ends, SOON, cast, next, number, queue},
    kit::{connect, corner, server, troubled},
};

/// What waits can be worked off by workers that begin while the server takes no messages, so that it takes some again.
#[tokio::test]
async fn a_worker_begins_while_the_server_takes_no_messages() {
    let own = troubled().await;
    let (port, options) = (own.server().port(), format!("prefix={}", corner()));
    let sender = connect(port, &options).await;
    let channel = queue("backlog.v1");
    for number in 0..3 {
        sender.enqueue(&channel, cast(number), EnqueueOptions::default()).await.expect("it is accepted");
    }
    own.control(&["set_vm_memory_high_watermark", "absolute", "1"]);
    let alarmed = async { while sender.enqueue(&channel, cast(3), EnqueueOptions::default()).await.is_ok() {} };
    timeout(SOON, alarmed).await.expect("a sender is told");
    let worker = timeout(SOON, connect(port, &options)).await.expect("it begins in time");
    let mut consumer = timeout(SOON, worker.consume(channel.clone(), ConsumeOptions::default()))
        .await
        .expect("it consumes in time")
        .expect("it can be consumed");
    for expected in 0..3 {
        let delivery = next(&mut consumer).await;
        assert_eq!(number(delivery.envelope()), expected);
        delivery.settle(Settlement::Done).await.expect("it can be settled");
    }
    own.control(&["set_vm_memory_high_watermark", "0.8"]);
    let after =
        timeout(SOON, async { while worker.enqueue(&channel, cast(4), EnqueueOptions::default()).await.is_err() {} });
    after.await.expect("it takes messages again");
}

/// A call that came while its worker's thread was busy, and whose time has run out before the worker reads it, is not
/// executed.
#[tokio::test]
async fn a_call_that_is_read_too_late_is_not_executed() {
    const BUDGET: Duration = Duration::from_millis(300);
    let (port, options) = (server().server().port(), format!("prefix={}", corner()));
    let worker = connect(port, &options).await;
    let channel = queue("busy.v1");
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it can be consumed");
    worker.enqueue(&channel, cast(1), EnqueueOptions::default()).await.expect("it is accepted");
    let _held = next(&mut consumer).await;
    let (done, busy) = mpsc::channel();
    let caller = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = connect(port, &options).await;
            let ends = Arc::new(Ends::default());
            let inbox = client.open_inbox(ends.clone()).await.expect("an inbox can be opened");
            let reply_to = Some(inbox.id());
            let call = Envelope { kind: Kind::Call, reply_to, budget: Some(BUDGET), ..Envelope::clone(&cast(2)) };
            ends.note(|noted| noted.open.insert(call.id));
            client.enqueue(&channel, call.into(), EnqueueOptions::default()).await.expect("it can be sent");
            // Once this is accepted, so is the call.
            client.enqueue(&channel, cast(3), EnqueueOptions::default()).await.expect("it is accepted");
            tokio::time::sleep(10 * BUDGET).await;
            done.send(()).expect("the worker is busy");
            ends.until("the caller hears that it was not executed", |noted| noted.open.is_empty()).await;
            ends.note(|noted| (noted.replies, noted.lost))
        })
    });
    // The only thread of this worker does something else.
    busy.recv().expect("the caller goes on");
    assert_eq!(number(next(&mut consumer).await.envelope()), 3);
    let ended = tokio::task::spawn_blocking(move || caller.join()).await.expect("it is joined");
    assert_eq!(ended.expect("the caller ends"), (0, 1));
}

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
