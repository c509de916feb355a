//! What is garbled is refused, with a sentence and without a panic.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use skyloom_broker::wire::{
    ClientFrame, ClientHello, Names, ServerFrame, ServerHello, WireError, common_version, split_frame,
};
use skyloom_core::{Guid, broker::BrokerError};

use crate::any;

fn decode(frame: &[u8]) -> Result<ClientFrame<Bytes>, WireError> {
    ClientFrame::decode(frame, &mut Names::new(), Bytes::copy_from_slice)
}

/// A frame without its length.
fn encoded(frame: &ClientFrame<Bytes>) -> Bytes {
    let mut buffer = BytesMut::new();
    frame.encode(&mut buffer).unwrap();
    split_frame(&mut buffer, usize::MAX).unwrap().unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // Whatever comes out is good, as long as something does.
        drop(decode(&bytes));
        drop(ServerFrame::decode(&Bytes::from(bytes.clone())));
        drop(ClientHello::decode(&mut BytesMut::from(&bytes[..])));
        drop(ServerHello::decode(&mut BytesMut::from(&bytes[..])));
    }

    #[test]
    fn a_frame_with_one_wrong_byte_is_read_without_a_panic(
        frame in any::client_frame(), at: prop::sample::Index, byte: u8
    ) {
        let mut bytes = encoded(&frame).to_vec();
        *at.get_mut(&mut bytes) = byte;
        drop(decode(&bytes));
    }

    /// The envelope is the last field, so that the broker cannot see whether it is complete; what
    /// comes before it must be.
    #[test]
    fn a_frame_that_is_cut_is_refused(frame in any::client_frame(), cut: prop::sample::Index) {
        let bytes = encoded(&frame);
        let cut = cut.index(bytes.len());
        match decode(&bytes[..cut]) {
            Err(WireError::Empty | WireError::Cut { .. } | WireError::Json { .. }) => {}
            Ok(ClientFrame::Enqueue { .. } | ClientFrame::Publish { .. } | ClientFrame::Partial { .. }) => {}
            Ok(ClientFrame::Settle { .. }) => {}
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn each_mistake_has_its_sentence() {
    let long_text = [&[0x08][..], &[0; 16], &[4], &5000u16.to_le_bytes(), &[b'x'; 5000]].concat();
    let cases: [(&[u8], &str); 9] = [
        (&[], "an empty frame"),
        (&[0x7f], "the unknown type 0x7f"),
        (&[0x81], "the unknown type 0x81"),
        (&[0x06, 1, 0, 0, 0], "the open-inbox frame ends in the middle of a field"),
        (&[0x10, 9], "the ping frame goes on for 1 bytes after"),
        (&[0x0c, 1, 0, 0, 0, b'{'], "the JSON of the register frame cannot be read"),
        (&[0x05, 1, 0, 0, 0, 2, b'.', b'.', 1, b'a'], "is not a topic name"),
        (&[0x0f, 1, 0, 0, 0, 99], "the command in the admin frame"),
        (&long_text, "the reason in the settle frame"),
    ];
    for (bytes, sentence) in cases {
        let error = decode(bytes).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
}

/// Its text is passed on, what follows is skipped, and the connection goes on.
#[test]
fn a_result_of_a_later_version_is_a_refusal_or_a_loss_in_its_own_words() {
    let told = |code: u8| [&[code][..], &5u16.to_le_bytes(), b"weary", &[1, 2, 3]].concat();
    let done = |code| [&[0x84, 1, 0, 0, 0][..], &told(code)].concat();
    let refused = |code| [&[0x83][..], &[7; 32], &told(code)].concat();
    let read = |bytes: Vec<u8>| match ServerFrame::decode(&Bytes::from(bytes)).unwrap() {
        ServerFrame::Done { result, .. } => result.unwrap_err(),
        ServerFrame::Refused { error, .. } => error,
        other => panic!("{other:?}"),
    };
    for code in [10, 127] {
        assert_eq!(read(done(code)), BrokerError::refused("weary"));
        assert_eq!(read(refused(code)), BrokerError::refused("weary"));
    }
    for code in [128, 255] {
        assert_eq!(read(done(code)), BrokerError::lost("weary"));
        assert_eq!(read(refused(code)), BrokerError::lost("weary"));
    }
    let wordless = ServerFrame::decode(&Bytes::from_static(&[0x84, 1, 0, 0, 0, 10])).unwrap_err();
    assert!(matches!(wordless, WireError::Cut { frame: "done" }), "{wordless}");
}

#[test]
fn a_count_that_is_a_lie_reserves_nothing() {
    // An admin answer that announces four billion messages and brings none.
    let frame = Bytes::from_static(&[0x85, 1, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(ServerFrame::decode(&frame).unwrap_err(), WireError::Cut { frame: "admin" });
}

#[test]
fn another_protocol_is_recognised_by_its_first_byte() {
    for start in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"SKYX", b"X"] {
        let error = ClientHello::decode(&mut BytesMut::from(start)).unwrap_err();
        assert!(matches!(error, WireError::Magic(_)), "{error}");
    }
    assert_eq!(ClientHello::decode(&mut BytesMut::from(&b"SK"[..])), Ok(None));
}

#[test]
fn versions_are_agreed_on_or_refused() {
    let hello = |min, max| ClientHello { min, max, ..ClientHello::new(Guid::private(), "test") };
    assert_eq!(common_version(&hello(1, 1)), Ok(1));
    assert_eq!(common_version(&hello(1, 9)), Ok(1));
    assert!(common_version(&hello(2, 9)).unwrap_err().contains("bring the older of the two up to date"));
    assert!(common_version(&hello(0, 0)).is_err());
}
