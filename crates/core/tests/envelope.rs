//! The envelope's codec: any envelope survives it, no bytes break it, and it speaks what
//! `proto/skyloom/envelope.proto` says.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

use std::{path::Path, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use skyloom_core::{Code, Codec, Envelope, Extras, Guid, Headers, Kind, Ledger, Outcome, Status, Text, TraceContext};

fn descriptor() -> MessageDescriptor {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = protox::compile([proto.join("skyloom/envelope.proto")], [&proto]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    pool.get_message_by_name("skyloom.Envelope").unwrap()
}

prop_compose! {
    fn ledger()(counts in any::<[u32; 4]>()) -> Ledger {
        let [sends, receives, settles, retries] = counts;
        Ledger { sends, receives, settles, retries }
    }
}

prop_compose! {
    fn status()(code in 1..=16u32, message in ".{0,40}", detail in option::of(("[a-z./]{1,20}", vec(any::<u8>(), 0..20))),
                unknown in any::<bool>(), after in option::of(1..100_000u64)) -> Status {
        let code = Code::from_number(code);
        let mut status = Status::new(code, message);
        if let Some((url, value)) = detail {
            status = status.with_detail(url, value);
        }
        if unknown {
            status = status.with_outcome(Outcome::Unknown);
        }
        match after {
            Some(millis) => status.with_retry_after(Duration::from_millis(millis)),
            None => status,
        }
    }
}

prop_compose! {
    fn trace()(trace_id in 1..u128::MAX, parent_id in 1..u64::MAX, flags in any::<u8>(), state in option::of("[a-z=,]{1,20}"))
        -> TraceContext {
        TraceContext { trace_id, parent_id, flags, state: state.map(Text::from) }
    }
}

prop_compose! {
    fn envelope()(
        ids in any::<([u8; 16], Option<[u8; 16]>, Option<[u8; 16]>)>(),
        kind in prop::sample::select(vec![Kind::Call, Kind::Cast, Kind::Event, Kind::Partial, Kind::Reply, Kind::Started, Kind::Cancel]),
        json in any::<bool>(),
        method in "[A-Za-z][A-Za-z0-9_]{0,20}",
        budget in option::of(1..u64::from(u32::MAX)),
        headers in vec(("[a-z-]{1,12}", ".{0,20}"), 0..5),
        trace in option::of(trace()),
        ledger in ledger(),
        principal in option::of("[a-z@.]{1,20}"),
        attempt in 0..100u32,
        status in option::of(status()),
        payload in vec(any::<u8>(), 0..300),
    ) -> Envelope {
        let mut list = Headers::new();
        for (name, value) in headers {
            list.push(name, value);
        }
        Envelope {
            codec: if json { Codec::Json } else { Codec::Protobuf },
            method: Text::from(method),
            reply_to: ids.1.map(Guid::from_bytes),
            origin: ids.2.map(Guid::from_bytes),
            budget: budget.map(Duration::from_millis),
            ledger,
            attempt,
            status,
            payload: Bytes::from(payload),
            extras: Extras::new().with_headers(list).with_trace(trace).with_principal(principal.map(Text::from)),
            ..Envelope::new(kind, Guid::from_bytes(ids.0))
        }
    }
}

proptest! {
    #[test]
    fn any_envelope_survives_its_encoding(envelope in envelope()) {
        let bytes = envelope.encode();
        prop_assert_eq!(bytes.len(), envelope.encoded_len());
        prop_assert_eq!(Envelope::decode(bytes).unwrap(), envelope);
    }

    #[test]
    fn no_bytes_break_the_decoder(bytes in vec(any::<u8>(), 0..200)) {
        // Well-formed or not: what matters is that it returns.
        drop(Envelope::decode(Bytes::from(bytes)));
    }

    #[test]
    fn a_cut_or_changed_envelope_breaks_nothing(envelope in envelope(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = envelope.encode().to_vec();
        let at = at.index(bytes.len());
        drop(Envelope::decode(Bytes::copy_from_slice(&bytes[..at])));
        bytes[at] = byte;
        drop(Envelope::decode(Bytes::from(bytes)));
    }

    #[test]
    fn it_speaks_the_protocol_of_the_proto_file(envelope in envelope()) {
        let message = DynamicMessage::decode(descriptor(), envelope.encode()).unwrap();
        prop_assert_eq!(message.unknown_fields().count(), 0, "every field is in the file");
        let field = |name| message.get_field_by_name(name).unwrap().into_owned();
        prop_assert_eq!(field("payload"), Value::Bytes(envelope.payload.clone()));
        prop_assert_eq!(field("method"), Value::String(envelope.method.as_str().to_owned()));
        prop_assert_eq!(Envelope::decode(Bytes::from(message.encode_to_vec())).unwrap(), envelope);
    }
}

#[test]
fn what_a_later_version_adds_survives() {
    let mut bytes =
        Envelope { payload: Bytes::from_static(b"x"), ..Envelope::new(Kind::Call, Guid::call()) }.encode().to_vec();
    prost::encoding::string::encode(99, &"new".to_owned(), &mut bytes);
    prost::encoding::uint64::encode(100, &7, &mut bytes);
    let envelope = Envelope::decode(Bytes::from(bytes)).unwrap();
    assert!(!envelope.extras.unknown().is_empty());
    let message = DynamicMessage::decode(descriptor(), envelope.encode()).unwrap();
    let numbers: Vec<u32> = message.unknown_fields().map(|field| field.number()).collect();
    assert_eq!(numbers, [99, 100]);
}

#[test]
fn payload_and_texts_are_views_of_the_buffer() {
    let envelope = Envelope { payload: Bytes::from(vec![7; 100]), ..Envelope::new(Kind::Call, Guid::call()) };
    let bytes = envelope.encode();
    let decoded = Envelope::decode(bytes.clone()).unwrap();
    assert!(bytes.as_ptr_range().contains(&decoded.payload.as_ptr()));
}

#[test]
fn the_proto_files_numbers_are_the_codes() {
    let message = DynamicMessage::decode(descriptor(), Envelope::new(Kind::Cancel, Guid::call()).encode()).unwrap();
    assert_eq!(message.get_field_by_name("kind").unwrap().into_owned(), Value::EnumNumber(6));
}
