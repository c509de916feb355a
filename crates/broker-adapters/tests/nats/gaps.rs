//! A stream has no gap that nobody sees.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, ReplySink, Settlement},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{
    kit::{eventually, queue, soon},
    site::{connect, corner, shared},
};

/// A way to the server on which what a client says may be lost.
#[derive(Default)]
struct Way {
    loses: AtomicBool,
    lost: Mutex<Vec<u8>>,
    cut: Notify,
}

impl Way {
    async fn to(server: u16) -> (u16, Arc<Self>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let way = Arc::new(Self::default());
        let this = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&this).pass(inner, server));
            }
        });
        (port, way)
    }

    async fn pass(self: Arc<Self>, mut inner: TcpStream, server: u16) {
        let Ok(mut outer) = TcpStream::connect(("127.0.0.1", server)).await else { return };
        let ((mut words, mut back), (mut answers, mut on)) = (inner.split(), outer.split());
        let there = async {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = words.read(&mut bytes).await {
                if self.loses.load(Ordering::Relaxed) {
                    self.lost.lock().expect("nobody panics").extend_from_slice(&bytes[..count]);
                } else if on.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = there => {}
            _ = copy(&mut answers, &mut back) => {}
            () = self.cut.notified() => {}
        }
    }
}

/// Keeps the payloads of what comes, and why the call ended.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics").clone()
    }

    fn note(&self, what: String) {
        self.0.lock().expect("nobody panics").push(what);
    }
}

impl ReplySink for Heard {
    fn reply(&self, envelope: Arc<Envelope>) {
        self.note(String::from_utf8_lossy(&envelope.payload).into_owned());
    }

    fn refused(&self, _: Guid, error: BrokerError) {
        self.note(if matches!(error, BrokerError::Lost { .. }) { "lost".to_owned() } else { error.to_string() });
    }

    fn lost(&self, error: BrokerError, _: &HashSet<Guid>) {
        self.note(error.to_string());
    }
}

fn part(call: Guid, kind: Kind, payload: &'static str) -> Arc<Envelope> {
    Arc::new(Envelope { payload: payload.into(), ..Envelope::new(kind, call) })
}

#[tokio::test]
async fn a_part_of_a_stream_that_went_with_the_connection_is_not_passed_over() {
    let (server, corner) = (shared(), corner());
    let (port, way) = Way::to(server.port()).await;
    let caller = connect(&format!("nats://127.0.0.1:{}?prefix={corner}", server.port())).await;
    let worker = connect(&format!("nats://127.0.0.1:{port}?prefix={corner}")).await;
    let heard = Arc::new(Heard::default());
    let inbox = caller.open_inbox(heard.clone()).await.expect("an inbox");
    let channel = queue("flow.v1");
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.expect("it is consumed");
    let call = Envelope { reply_to: Some(inbox.id()), ..Envelope::new(Kind::Call, Guid::call()) };
    let id = call.id;
    soon("a call", caller.enqueue(&channel, call.into(), EnqueueOptions::default())).await.expect("it is sent");
    let delivery = soon("a delivery", consumer.next()).await.expect("there is one");
    delivery.partial(part(id, Kind::Partial, "first")).await.expect("it is sent");
    eventually("the first part is heard", || heard.all() == ["first"]).await;
    way.loses.store(true, Ordering::Relaxed);
    delivery.partial(part(id, Kind::Partial, "second")).await.expect("it is sent");
    let is_lost = || way.lost.lock().expect("nobody panics").windows(6).any(|word| word == b"second");
    eventually("the second part is lost", is_lost).await;
    way.loses.store(false, Ordering::Relaxed);
    way.cut.notify_waiters();
    let third = async {
        while delivery.partial(part(id, Kind::Partial, "third")).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon("the worker is told", third).await;
    drop(soon("settle", delivery.settle(Settlement::Reply(part(id, Kind::Reply, "last")))).await);
    eventually("the end is heard", || heard.all().iter().any(|word| word == "lost" || word == "last")).await;
    let heard = heard.all();
    assert_eq!(heard.last().map(String::as_str), Some("lost"), "{heard:?}");
}
