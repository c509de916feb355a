//! Clients and workers of Skyloom that speak to beanstalkd, with each other and with native ones.

use std::time::Duration;

use bytes::Bytes;
use skyloom_core::{Code, Envelope, Guid, Kind};

use crate::{client::Client, ours::Ours};

fn call(inbox: Guid) -> Envelope {
    let mut envelope = Envelope::new(Kind::Call, Guid::call());
    envelope.method = "Hello".into();
    envelope.reply_to = Some(inbox);
    envelope.budget = Some(Duration::from_secs(600));
    envelope.payload = Bytes::from_static(b"{\"name\":\"Ada\"}");
    envelope
}

fn reply_to(request: &Envelope, payload: &'static [u8]) -> Envelope {
    let mut envelope = Envelope::new(Kind::Reply, request.id);
    envelope.payload = Bytes::from_static(payload);
    envelope
}

fn decode(body: Vec<u8>) -> Envelope {
    Envelope::decode(body.into()).unwrap()
}

/// A caller with its inbox, which is all it takes jobs from.
fn caller(ours: &Ours) -> (Client, Guid) {
    let (mut client, inbox) = (Client::connect(ours.port), Guid::private());
    assert_eq!(client.ask(&format!("watch _inbox.{inbox}")), "WATCHING 2\\r\\n");
    assert_eq!(client.ask("ignore default"), "WATCHING 1\\r\\n");
    client.ask("use greeter.v1");
    (client, inbox)
}

/// Takes the next job and says its number and its envelope.
fn take(client: &mut Client) -> (u64, Envelope) {
    client.send(b"reserve-with-timeout 20\r\n");
    let (id, body) = client.job();
    (id, decode(body))
}

#[test]
fn a_call_is_answered_once_by_who_holds_it() {
    let ours = Ours::start();
    let (mut caller, inbox) = caller(&ours);
    let request = call(inbox);
    assert_eq!(caller.put("0 0 60", &request.encode()), "INSERTED 1\\r\\n");
    let (mut worker, mut stranger) = (Client::connect(ours.port), Client::connect(ours.port));
    worker.ask("watch greeter.v1");
    let (id, taken) = take(&mut worker);
    assert_eq!(taken, request);

    // Who does not hold the request cannot answer it.
    stranger.ask(&format!("use _inbox.{inbox}"));
    assert!(stranger.put("0 0 60", &reply_to(&request, b"forged").encode()).starts_with("INSERTED"));
    worker.ask(&format!("use _inbox.{inbox}"));
    let mut partial = reply_to(&request, b"part");
    partial.kind = Kind::Partial;
    worker.put("0 0 60", &partial.encode());
    worker.put("0 0 60", &reply_to(&request, b"first").encode());
    worker.put("0 0 60", &reply_to(&request, b"second").encode());
    assert_eq!(worker.ask(&format!("delete {id}")), "DELETED\\r\\n");

    for expected in [&b"part"[..], b"first"] {
        let (id, answer) = take(&mut caller);
        assert_eq!((answer.id, &answer.payload[..]), (request.id, expected));
        assert_eq!(caller.ask(&format!("delete {id}")), "DELETED\\r\\n");
    }
    assert_eq!(caller.ask("reserve-with-timeout 0"), "TIMED_OUT\\r\\n");
}

#[test]
fn a_caller_hears_why_there_is_no_answer() {
    let ours = Ours::start();
    let (mut caller, inbox) = caller(&ours);
    let request = call(inbox);
    caller.put("0 0 60", &request.encode());
    let mut worker = Client::connect(ours.port);
    worker.ask("watch greeter.v1");
    let (id, _) = take(&mut worker);
    assert_eq!(worker.ask(&format!("bury {id} 0")), "BURIED\\r\\n");
    let (_, answer) = take(&mut caller);
    assert_eq!((answer.id, answer.kind), (request.id, Kind::Reply));
    assert!(answer.status.unwrap().message().contains("a worker buried it"));

    let mut brief = call(inbox);
    brief.budget = Some(Duration::from_millis(1));
    caller.put("0 0 60", &brief.encode());
    let (_, answer) = take(&mut caller);
    assert_eq!(answer.id, brief.id);
    assert_eq!(answer.status.unwrap().code(), Code::DeadlineExceeded);

    let waiting = call(inbox);
    caller.put("0 0 60", &waiting.encode());
    worker.ask("use greeter.v1");
    worker.send(b"peek-ready\r\n");
    let (id, _) = worker.job();
    assert_eq!(worker.ask(&format!("delete {id}")), "DELETED\\r\\n");
    let (_, answer) = take(&mut caller);
    assert_eq!((answer.id, answer.status.unwrap().code()), (waiting.id, Code::Unavailable));
}

#[test]
fn an_inbox_is_private_and_goes_with_its_connection() {
    let ours = Ours::start();
    let (mut caller, inbox) = caller(&ours);
    let mut other = Client::connect(ours.port);
    assert_eq!(other.ask(&format!("watch _inbox.{inbox}")), "NOT_FOUND\\r\\n");
    assert_eq!(other.ask("list-tubes-watched"), "OK 14\\r\\n---\\n- default\\n\\r\\n");
    let request = call(inbox);
    caller.put("0 0 60", &request.encode());
    other.ask("watch greeter.v1");
    let (id, _) = take(&mut other);
    drop(caller.rest_after_quit());
    // The caller is gone; its worker neither notices nor leaves anything behind.
    other.ask(&format!("use _inbox.{inbox}"));
    assert!(other.put("0 0 60", &reply_to(&request, b"late").encode()).starts_with("INSERTED"));
    assert_eq!(other.ask(&format!("delete {id}")), "DELETED\\r\\n");
    other.ask("use default");
    assert!(!other.ask("list-tubes").contains("_inbox"));
    // An instance that does not run takes nothing.
    other.ask(&format!("use _inst.{inbox}"));
    assert_eq!(other.put("0 0 60", b"ping"), "NOT_FOUND\\r\\n");
}
