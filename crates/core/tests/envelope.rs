//! The envelope's codec: any envelope survives it, no bytes break it, and it speaks what
//! `proto/skyloom/envelope.proto` says.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

use std::{path::Path, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use skyloom_core::{
    Code, Codec, DecodeEnvelopeError, Envelope, Extras, Guid, Headers, Kind, Ledger, Outcome, Status, Text,
    TraceContext,
};

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
                outcome in prop::sample::select(vec![Outcome::Known, Outcome::NotStarted, Outcome::Unknown]),
                safe in any::<bool>(), after in option::of(1..100_000u64)) -> Status {
        let code = Code::from_number(code);
        let mut status = Status::new(code, message);
        if let Some((url, value)) = detail {
            status = status.with_detail(url, value);
        }
        status = status.with_outcome(outcome).with_retry_safe(safe || outcome == Outcome::NotStarted);
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
        let (roughly, exactly) = (envelope.size(), bytes.len());
        prop_assert!(roughly <= exactly + 64 && exactly <= roughly + 150, "{roughly} is not about {exactly}");
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
        let text = |text: Option<&Text>| Value::String(text.map_or("", Text::as_str).to_owned());
        prop_assert_eq!(field("traceparent"), Value::String(envelope.trace().map_or_else(String::new, ToString::to_string)));
        prop_assert_eq!(field("tracestate"), text(envelope.trace().and_then(|trace| trace.state.as_ref())));
        prop_assert_eq!(field("principal"), text(envelope.principal()));
        prop_assert_eq!(field("headers").as_list().unwrap().len(), envelope.headers().iter().count());
        prop_assert_eq!(Envelope::decode(Bytes::from(message.encode_to_vec())).unwrap(), envelope);
    }
}

#[test]
fn what_a_later_version_adds_survives() {
    let mut bytes =
        Envelope { payload: Bytes::from_static(b"x"), ..Envelope::new(Kind::Call, Guid::call()) }.encode().to_vec();
    prost::encoding::string::encode(99, &"new".to_owned(), &mut bytes);
    prost::encoding::uint64::encode(100, &7, &mut bytes);
    prost::encoding::fixed64::encode(101, &8, &mut bytes);
    prost::encoding::fixed32::encode(102, &9, &mut bytes);
    let envelope = Envelope::decode(Bytes::from(bytes)).unwrap();
    assert!(!envelope.extras.unknown().is_empty());
    let message = DynamicMessage::decode(descriptor(), envelope.encode()).unwrap();
    let numbers: Vec<u32> = message.unknown_fields().map(|field| field.number()).collect();
    assert_eq!(numbers, [99, 100, 101, 102]);
}

#[test]
fn what_a_later_version_adds_to_a_part_is_passed_over() {
    let mut ledger = Vec::new();
    prost::encoding::uint32::encode(1, &5, &mut ledger);
    prost::encoding::fixed32::encode(90, &1, &mut ledger);
    prost::encoding::string::encode(91, &"new".to_owned(), &mut ledger);
    prost::encoding::uint32::encode(2, &7, &mut ledger);
    let mut bytes = Envelope::new(Kind::Call, Guid::call()).encode().to_vec();
    prost::encoding::bytes::encode(10, &ledger, &mut bytes);
    let decoded = Envelope::decode(Bytes::from(bytes)).unwrap().ledger;
    assert_eq!(decoded, Ledger { sends: 5, receives: 7, ..Ledger::default() });
}

#[test]
fn what_ends_in_the_middle_or_is_no_number_is_malformed() {
    let whole = Envelope::new(Kind::Call, Guid::call()).encode();
    let fixed = |key: u8, bytes: usize| [&[key][..], &[0; 8][..bytes]].concat();
    let long = |last: u8| [&[5 << 3][..], &[0xff; 9][..], &[last][..]].concat();
    let decoded = |more: Vec<u8>| Envelope::decode(Bytes::from([&whole[..], &more[..]].concat()));
    // Fields 12 and 13 with the wire types of eight and of four bytes, which this version does not know.
    for (more, is_whole) in [
        (fixed(12 << 3 | 1, 8), true),
        (fixed(12 << 3 | 1, 7), false),
        (fixed(13 << 3 | 5, 4), true),
        (fixed(13 << 3 | 5, 3), false),
        (long(1), true),
        (long(2), false),
    ] {
        let end = decoded(more.clone()).map(drop);
        let expected = if is_whole { Ok(()) } else { Err(DecodeEnvelopeError::Malformed) };
        assert_eq!(end, expected, "{more:?}");
    }
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

#[test]
fn a_message_has_so_many_headers_and_no_more() {
    let with = |count: usize| {
        let mut headers = Headers::new();
        (0..count).for_each(|number| headers.push(number.to_string(), "x"));
        let extras = Extras::new().with_headers(headers);
        Envelope::decode(Envelope { extras, ..Envelope::new(Kind::Call, Guid::call()) }.encode())
    };
    assert_eq!(with(128).unwrap().headers().len(), 128);
    assert_eq!(with(129).unwrap_err(), DecodeEnvelopeError::TooManyHeaders);
}

/// Zero would mean that there is no deadline.
#[test]
fn the_rest_of_a_millisecond_is_still_a_budget_and_a_year_is_as_much_as_there_is() {
    let after = |budget: Option<Duration>| {
        Envelope::decode(Envelope { budget, ..Envelope::new(Kind::Call, Guid::call()) }.encode()).unwrap().budget
    };
    let longest = Duration::from_millis(u32::MAX.into());
    assert_eq!(after(Some(Duration::from_nanos(1))), Some(Duration::from_millis(1)));
    assert_eq!(after(Some(longest + Duration::from_millis(1))), Some(longest));
    assert_eq!(after(None), None);
    let mut bytes = Envelope::new(Kind::Call, Guid::call()).encode().to_vec();
    prost::encoding::uint64::encode(5, &0, &mut bytes);
    assert_eq!(Envelope::decode(Bytes::from(bytes.clone())).unwrap().budget, None, "written out by another encoder");
    prost::encoding::uint64::encode(5, &u64::MAX, &mut bytes);
    assert_eq!(Envelope::decode(Bytes::from(bytes)).unwrap().budget, Some(longest));
}

#[test]
fn headers_are_found_and_set_by_their_name() {
    let mut headers = Headers::new();
    headers.push("a", "1");
    headers.push("b", "2");
    headers.set("a", "3");
    assert_eq!((headers.get("a"), headers.get("b"), headers.get("c")), (Some("3"), Some("2"), None));
    assert_eq!(headers.len(), 2);
}
