//! The native door and the beanstalkd door are doors to one engine.

use std::time::Duration;

use bytes::Bytes;
use skyloom_broker::{
    engine::{Settle, Ticket},
    wire::{ClientFrame, ServerFrame},
};
use skyloom_core::{Envelope, Guid, Kind};

use crate::{
    client::Client,
    ours::Ours,
    raw::{Raw, enqueue},
};

fn reply(request: &Envelope) -> Bytes {
    let mut envelope = Envelope::new(Kind::Reply, request.id);
    envelope.payload = Bytes::from_static(b"hello");
    envelope.encode()
}

#[tokio::test]
async fn a_worker_of_beanstalkd_answers_a_native_caller() {
    let ours = Ours::start();
    let mut caller = Raw::connect(&ours.socket).await;
    let inbox = Guid::private();
    caller.done(ClientFrame::OpenInbox { ticket: Ticket(1), inbox }).await;
    let mut request = Envelope::new(Kind::Call, Guid::call());
    request.reply_to = Some(inbox);
    let mut frame = enqueue("greeter.v1", Some(inbox), request.encode());
    if let ClientFrame::Enqueue { message, .. } = &mut frame {
        message.id = request.id;
    }
    caller.send(frame).await;

    let mut worker = Client::connect(ours.port);
    worker.ask("watch greeter.v1");
    worker.send(b"reserve\r\n");
    let (id, body) = worker.job();
    assert_eq!(body, request.encode());
    worker.ask(&format!("use _inbox.{inbox}"));
    assert!(worker.put("0 0 60", &reply(&request)).starts_with("INSERTED"));
    assert_eq!(worker.ask(&format!("delete {id}")), "DELETED\\r\\n");
    match caller.next().await {
        Some(ServerFrame::Reply { inbox: to, body }) => assert_eq!((to, body), (inbox, reply(&request))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_native_worker_answers_a_caller_of_beanstalkd() {
    let ours = Ours::start();
    let (mut caller, inbox) = (Client::connect(ours.port), Guid::private());
    caller.ask(&format!("watch _inbox.{inbox}"));
    caller.ask("use greeter.v1");
    let mut request = Envelope::new(Kind::Call, Guid::call());
    request.reply_to = Some(inbox);
    caller.put("0 0 60", &request.encode());
    caller.send(b"reserve\r\n");

    let mut worker = Raw::connect(&ours.socket).await;
    worker.consume("greeter.v1", 1, Duration::from_secs(60)).await;
    let (lease, attempt, body) = worker.delivery().await;
    assert_eq!((attempt, body), (1, request.encode()));
    // It is a job under a lease to everybody else.
    let mut other = Client::connect(ours.port);
    assert!(other.ask("stats-tube greeter.v1").contains("current-jobs-reserved: 1"));
    assert_eq!(other.ask("delete 1"), "NOT_FOUND\\r\\n");
    assert_eq!(other.ask("reserve-job 1"), "NOT_FOUND\\r\\n");
    worker.done(ClientFrame::Settle { ticket: Ticket(1), lease, settle: Settle::Reply(reply(&request)) }).await;
    let (_, body) = caller.job();
    assert_eq!(body, reply(&request));
    assert_eq!(other.ask("peek 1"), "NOT_FOUND\\r\\n");
}

#[tokio::test]
async fn a_job_of_a_worker_that_dies_goes_to_a_native_one_as_a_second_attempt() {
    let ours = Ours::start();
    let mut client = Client::connect(ours.port);
    client.ask("use jobs");
    client.ask("watch jobs");
    client.put("0 0 60", b"opaque work");
    assert!(client.ask("reserve").starts_with("RESERVED 1 11"));
    let mut worker = Raw::connect(&ours.socket).await;
    worker.consume("jobs", 1, Duration::from_secs(60)).await;
    drop(client);
    let (_, attempt, body) = worker.delivery().await;
    assert_eq!((attempt, &body[..]), (2, &b"opaque work"[..]));
}

#[tokio::test]
async fn an_event_reaches_a_worker_of_beanstalkd() {
    let ours = Ours::start();
    let mut worker = Client::connect(ours.port);
    worker.ask("watch links.visited/audit");
    let mut publisher = Raw::connect(&ours.socket).await;
    let ClientFrame::Enqueue { message, .. } = enqueue("unused", None, &b"visited"[..]) else { panic!("a frame") };
    publisher.done(ClientFrame::Publish { ticket: Ticket(1), topic: "links.visited".parse().unwrap(), message }).await;
    worker.send(b"reserve\r\n");
    assert_eq!(worker.job().1, b"visited");
}
