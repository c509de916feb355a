//! What is written is read.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use skyloom_broker::{
    engine::{AdminAnswer, Ticket},
    wire::{Accepted, ClientFrame, ClientHello, FRAME_ROOM, Names, ServerFrame, ServerHello, split_frame},
};
use skyloom_core::{Envelope, Guid, Kind};

use crate::any;

const LIMIT: usize = 1 << 20;

fn client(frame: &Bytes) -> ClientFrame<Bytes> {
    ClientFrame::decode(frame, &mut Names::new(), Bytes::copy_from_slice).unwrap()
}

proptest! {
    #[test]
    fn client_frames(frames in prop::collection::vec(any::client_frame(), 1..5)) {
        let mut buffer = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut buffer).unwrap());
        for frame in &frames {
            let read = client(&split_frame(&mut buffer, LIMIT).unwrap().unwrap());
            prop_assert_eq!(format!("{read:?}"), format!("{frame:?}"));
        }
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn server_frames(frames in prop::collection::vec(any::server_frame(), 1..5)) {
        let mut buffer = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut buffer).unwrap());
        for frame in &frames {
            let read = ServerFrame::decode(&split_frame(&mut buffer, LIMIT).unwrap().unwrap()).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{frame:?}"));
        }
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn hellos(session in any::guid(), name in ".{0,100}", version: u16, bytes: u64, reason in ".{0,40}") {
        let mut buffer = BytesMut::new();
        let hello = ClientHello::new(session, &name);
        hello.encode(&mut buffer);
        buffer.extend_from_slice(b"more");
        prop_assert_eq!(ClientHello::decode(&mut buffer).unwrap(), Some(hello));
        prop_assert_eq!(&buffer.split()[..], b"more");

        let accepted = ServerHello::Accepted(Accepted {
            version,
            epoch: session,
            message_bytes: bytes,
            inbox_grace: Duration::from_secs(10),
            silence: Duration::from_millis(2_500),
        });
        for hello in [accepted, ServerHello::Refused(reason)] {
            hello.encode(&mut buffer);
            prop_assert_eq!(ServerHello::decode(&mut buffer).unwrap(), Some(hello));
            prop_assert!(buffer.is_empty());
        }
    }
}

#[test]
fn an_envelope_is_written_without_being_encoded_first() {
    let envelope = Arc::new(Envelope {
        method: "Hello".into(),
        payload: Bytes::from_static(b"payload"),
        ..Envelope::new(Kind::Call, Guid::call())
    });
    let mut buffer = BytesMut::new();
    let inbox = Guid::private();
    ServerFrame::Reply { inbox, body: &envelope }.encode(&mut buffer).unwrap();
    let frame = split_frame(&mut buffer, LIMIT).unwrap().unwrap();
    let ServerFrame::Reply { body, .. } = ServerFrame::decode(&frame).unwrap() else { panic!("another frame") };
    assert_eq!(Envelope::decode(body).unwrap(), *envelope);
}

#[test]
fn a_list_that_is_too_long_for_a_frame_is_cut() {
    let bodies = vec![Bytes::from(vec![7; FRAME_ROOM / 4]); 10];
    let mut buffer = BytesMut::new();
    ServerFrame::Admin { ticket: Ticket(1), answer: AdminAnswer::Peek(bodies) }.encode(&mut buffer).unwrap();
    let frame = split_frame(&mut buffer, FRAME_ROOM + 1024).unwrap().unwrap();
    match ServerFrame::decode(&frame).unwrap() {
        ServerFrame::Admin { answer: AdminAnswer::Peek(bodies), .. } => assert_eq!(bodies.len(), 3),
        other => panic!("{other:?}"),
    }
}
