//! A process that stood still, and what had come for it meanwhile.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Code, QueueName,
    broker::{Broker, ConsumeOptions, Depth, Settlement},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    SOON,
    broker::bind,
    client, connect,
    echo::{answer, request},
    socket,
};

/// Everybody else, on a thread of their own.
fn elsewhere() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// A process that stands still whenever nobody drives it.
fn process() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The broker's clock has gone on, and so has the callers': what is too late for them is given back, and the attempt
/// does not count. What is not is delivered.
#[test]
fn calls_that_ran_out_while_a_process_stood_still_are_not_delivered_when_it_goes_on() {
    const LATE: usize = 5;
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let (elsewhere, process) = (elsewhere(), process());
    let _running = elsewhere.block_on(bind(&address));
    let channel = Channel::Queue(QueueName::new("echo.v1").unwrap());
    let (worker, mut consumer) = process.block_on(async {
        let worker = connect(&address);
        let options = ConsumeOptions { credit: 10, ..ConsumeOptions::default() };
        let consumer = timeout(SOON, worker.consume(channel.clone(), options)).await.unwrap().unwrap();
        (worker, consumer)
    });

    let caller = elsewhere.block_on(async { connect(&address) });
    let client = Arc::new(client(&caller));
    let call = |payload: &'static str, limit| {
        let client = Arc::clone(&client);
        elsewhere.spawn(async move { client.call(request(payload, limit)).await })
    };
    let late: Vec<_> = (0..LATE).map(|_| call("late", Duration::from_millis(500))).collect();
    for call in late {
        let status = elsewhere.block_on(call).unwrap().unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
    let patient = call("patient", SOON);
    std::thread::sleep(Duration::from_millis(1_500));

    process.block_on(async {
        let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap();
        assert_eq!((&delivery.envelope().payload[..], delivery.attempt()), (&b"patient"[..], 1));
        let reply = answer(&delivery);
        delivery.settle(Settlement::Reply(reply.into())).await.unwrap();
        let more = timeout(Duration::from_millis(300), consumer.next()).await;
        assert!(more.is_err(), "{more:?}");
        let depth = worker.depth(&channel).await.unwrap();
        assert_eq!(depth, Depth { consumers: 1, ..Depth::default() }, "nothing is kept of the others");
    });
    assert_eq!(elsewhere.block_on(patient).unwrap().unwrap().payload, "patient");
}
