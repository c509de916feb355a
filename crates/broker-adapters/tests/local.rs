//! What a connection to the broker of this host does when its runtime ends before it, and when the broker hangs.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use skyloom_broker::{
    door::{Address, Door, DoorOptions},
    wire::{Accepted, ClientHello, ServerHello, VERSION},
};
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::{
    Channel, Envelope, Guid, Kind, Outcome, QueueName, Status,
    broker::{Broker as _, BrokerError, ConsumeOptions, EnqueueOptions},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixListener,
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn who_uses_a_connection_whose_runtime_has_ended_hears_so() {
    let directory = tempfile::tempdir().unwrap();
    let address = Address::Unix(directory.path().join("broker.sock"));
    let (stop, stopped) = oneshot::channel::<()>();
    let door = runtime();
    let served = address.clone();
    let door = std::thread::spawn(move || {
        door.block_on(async {
            let door = Door::bind(served, DoorOptions::default()).await.unwrap();
            door.run(async move { drop(stopped.await) }).await.unwrap();
        });
    });
    let channel = Channel::Queue(QueueName::new("work.v1").unwrap());
    let (first, second) = (runtime(), runtime());
    let (broker, mut consumer) = first.block_on(async {
        let broker = LocalBroker::spawn(address, LocalOptions::default());
        broker.ready(SOON).await.unwrap();
        let consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.unwrap();
        (broker, consumer)
    });
    drop(first);
    second.block_on(async {
        assert!(timeout(SOON, consumer.next()).await.expect("it ends").is_none());
        let cast = Arc::new(Envelope::new(Kind::Cast, Guid::call()));
        let sent = timeout(SOON, broker.enqueue(&channel, cast, EnqueueOptions::default())).await.expect("it is known");
        let error = sent.unwrap_err();
        assert!(matches!(&error, BrokerError::Unavailable { .. }) && error.to_string().contains("runtime"), "{error}");
        assert_eq!(Status::from(error).outcome(), Outcome::NotStarted);
        timeout(SOON, broker.consume(channel, ConsumeOptions::default())).await.expect("it is known").unwrap_err();
        timeout(Duration::from_secs(1), broker.close()).await.expect("there is nothing to close");
    });
    drop(stop);
    door.join().unwrap();
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_left_and_looked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broker.sock");
    let hangs = UnixListener::bind(&path).unwrap();
    let broker = LocalBroker::spawn(Address::Unix(path), LocalOptions::default());
    let (mut socket, _) = timeout(SOON, hangs.accept()).await.expect("it comes").unwrap();
    let (mut hello, mut answer) = (BytesMut::new(), BytesMut::new());
    while ClientHello::decode(&mut hello).unwrap().is_none() {
        timeout(SOON, socket.read_buf(&mut hello)).await.expect("it says hello").unwrap();
    }
    let (inbox_grace, silence) = (Duration::from_secs(5), Duration::from_secs(2));
    let accepted = Accepted { version: VERSION, epoch: Guid::private(), message_bytes: 1 << 20, inbox_grace, silence };
    ServerHello::Accepted(accepted).encode(&mut answer);
    socket.write_all(&answer).await.unwrap();
    broker.ready(SOON).await.unwrap();
    // From now on nothing is said, and the connection stays open.
    tokio::time::pause();
    timeout(SOON, hangs.accept()).await.expect("it comes again").unwrap();
}
