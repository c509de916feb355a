//! The worked example of `docs/wire.md` is what the codec says.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use skyloom_broker::{
    engine::{ConsumerId, Message, Settle, Ticket},
    wire::{Accepted, ClientFrame, ClientHello, Names, PREFIX, ServerFrame, ServerHello},
};
use skyloom_core::{
    Codec, Envelope, Guid, Kind,
    broker::{ConsumeOptions, Lease},
};

const DOCUMENT: &str = include_str!("../../../../docs/wire.md");

/// The bytes of the block that begins with this name; what follows a `#` explains them.
fn documented(name: &str) -> Bytes {
    let (_, block) = DOCUMENT.split_once(&format!("```hex {name}\n")).unwrap_or_default();
    let lines = block.split("```").next().unwrap_or_default().lines();
    let digits: String = lines.flat_map(|line| line.split('#').next()).collect::<String>().split_whitespace().collect();
    assert!(!digits.is_empty(), "docs/wire.md has no block {name:?}");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn guid(kind: u8) -> Guid {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(0..).for_each(|(byte, n)| *byte = kind << 4 | n);
    Guid::from_bytes(bytes)
}

fn check(name: &str, encode: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut encoded = BytesMut::new();
    encode(&mut encoded);
    let text: String = encoded.iter().map(|byte| format!("{byte:02x} ")).collect();
    let documented = documented(name);
    assert_eq!(documented, encoded, "{name} is {text}");
    documented
}

fn check_client(name: &str, frame: ClientFrame<Bytes>) {
    let bytes = check(name, |out| frame.encode(out).unwrap());
    let read = ClientFrame::decode(&bytes[PREFIX..], &mut Names::new(), Bytes::copy_from_slice).unwrap();
    assert_eq!(format!("{read:?}"), format!("{frame:?}"));
}

fn check_server(name: &str, frame: ServerFrame<Bytes>) {
    let bytes = check(name, |out| frame.encode(out).unwrap());
    let read = ServerFrame::decode(&bytes.slice(PREFIX..)).unwrap();
    assert_eq!(format!("{read:?}"), format!("{frame:?}"));
}

const TICKET: Ticket = Ticket(1);
const LEASE: Lease = Lease { slot: 0, number: 1 };

fn request() -> Envelope {
    Envelope {
        method: "Hello".into(),
        reply_to: Some(guid(0xb)),
        budget: Some(Duration::from_secs(2)),
        codec: Codec::Json,
        payload: Bytes::from_static(br#"{"name":"Ada"}"#),
        ..Envelope::new(Kind::Call, guid(0xa))
    }
}

fn reply() -> Envelope {
    Envelope {
        codec: Codec::Json,
        attempt: 1,
        payload: Bytes::from_static(br#"{"text":"Hello, Ada!"}"#),
        ..Envelope::new(Kind::Reply, guid(0xa))
    }
}

#[test]
fn the_hellos() {
    let hello = ClientHello::new(guid(0xc), "demo");
    check("client-hello", |out| hello.encode(out));
    let accepted = Accepted {
        version: 1,
        epoch: guid(0xe),
        message_bytes: 8 << 20,
        inbox_grace: Duration::from_secs(10),
        silence: Duration::from_millis(2_500),
    };
    check("server-hello", |out| ServerHello::Accepted(accepted).encode(out));
}

#[test]
fn the_call() {
    let request = check("request", |out| out.extend_from_slice(&request().encode()));
    let reply = check("reply-envelope", |out| out.extend_from_slice(&reply().encode()));
    let channel = "greeter.v1".parse().unwrap();
    let (consumer, options) = (ConsumerId(1), ConsumeOptions { credit: 64, ..ConsumeOptions::default() });
    check_client("consume", ClientFrame::Consume { ticket: TICKET, consumer, channel, options });
    check_client("open-inbox", ClientFrame::OpenInbox { ticket: TICKET, inbox: guid(0xb) });
    check_server("done", ServerFrame::Done { ticket: TICKET, result: Ok(()) });
    let message = Message {
        id: guid(0xa),
        reply_to: Some(guid(0xb)),
        priority: 1024,
        delay: Duration::ZERO,
        time_to_live: Some(Duration::from_secs(2)),
        size: request.len(),
        body: request.clone(),
    };
    let channel = "greeter.v1".parse().unwrap();
    check_client("enqueue", ClientFrame::Enqueue { ticket: Ticket::NONE, channel, message });
    check_server(
        "deliver",
        ServerFrame::Deliver {
            consumer,
            lease: LEASE,
            lease_time: Duration::from_secs(30),
            attempt: 1,
            time_to_live: Some(Duration::from_micros(1_999_900)),
            waited: Duration::from_micros(100),
            body: request,
        },
    );
    let settle = Settle::Reply(reply.clone());
    check_client("settle", ClientFrame::Settle { ticket: Ticket::NONE, lease: LEASE, settle });
    check_server("reply", ServerFrame::Reply { inbox: guid(0xb), body: reply });
}

/// What is said to be registered is what is read.
#[test]
fn the_registration_is_read_as_it_is_documented() {
    let (_, block) = DOCUMENT.split_once("```json\n").unwrap();
    let json = block.split("```").next().unwrap();
    let frame = [&[0x0c, 1, 0, 0, 0][..], json.as_bytes()].concat();
    let read = ClientFrame::decode(&frame, &mut Names::new(), Bytes::copy_from_slice).unwrap();
    let ClientFrame::Register { ticket: TICKET, instance, contracts } = read else { panic!("{read:?}") };
    assert_eq!(instance.services, [contracts[0].service_ref()]);
    assert_eq!(contracts[0].methods[0].http[0].path, "/v1/hello/{name}");
}
