//! The types of one method.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use skyloom_core::{
    Codec, HttpBody, Result, Status,
    contract::{EventContract, MethodContract, Shape},
};

use super::{Check, check_text, json_of, parse_json, parse_message};

/// What nothing at all stands for.
const EMPTY: &str = "{}";

/// What a message of a method is.
#[derive(Clone, Debug)]
pub enum Types {
    /// JSON of this shape.
    Json(Shape),
    /// A protobuf message.
    Protobuf(MessageDescriptor),
    /// `google.api.HttpBody`: raw bytes with a media type.
    Raw,
    /// A protobuf message that the contract does not describe.
    Unknown,
}

/// Translates one method's messages between JSON and the encoding of its payloads.
#[derive(Clone, Debug)]
pub struct MethodTranscoder {
    name: String,
    codec: Codec,
    input: Types,
    output: Types,
}

impl MethodTranscoder {
    pub(super) fn new(name: String, method: &MethodContract, pool: &DescriptorPool) -> Self {
        let input = match method.codec {
            Codec::Json => Types::Json(method.request.clone()),
            Codec::Protobuf => protobuf(&method.input, pool),
        };
        Self { name, codec: method.codec, input, output: protobuf(&method.output, pool) }
    }

    /// A listener to a topic, as a method of the topic's name whose reply nobody gets.
    pub(super) fn of_event(event: &EventContract, pool: &DescriptorPool) -> Self {
        let (codec, input) = match event.message.as_str() {
            "" => (Codec::Json, Types::Json(event.shape.clone())),
            name => (Codec::Protobuf, by_any_name(name, pool)),
        };
        Self { name: event.topic.to_string(), codec, input, output: Types::Unknown }
    }

    /// The method's service and name, such as `greeter.v1.Greeter/Hello`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How requests are encoded.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// What a request is.
    #[must_use]
    pub fn input(&self) -> &Types {
        &self.input
    }

    /// What a reply in protobuf is.
    #[must_use]
    pub fn output(&self) -> &Types {
        &self.output
    }

    /// The request's payload from its JSON; nothing at all stands for an empty object.
    ///
    /// # Errors
    /// `InvalidArgument` with a sentence that names the place: no UTF-8, no JSON, nested too deeply, an
    /// unknown field, a wrong type. `Unimplemented` if the contract does not describe the message.
    pub fn encode_request(&self, json: &Bytes) -> Result<Bytes> {
        let text = check_text(json)?;
        let blank = text.trim().is_empty();
        let text = if blank { EMPTY } else { text };
        match &self.input {
            Types::Json(shape) => {
                let payload = || if blank { Bytes::from_static(EMPTY.as_bytes()) } else { json.clone() };
                parse_json(text, Check(shape)).map(|()| payload())
            }
            Types::Protobuf(descriptor) => Ok(parse_message(descriptor, text)?.encode_to_vec().into()),
            Types::Raw => {
                let body = HttpBody::new("application/json", json.clone());
                Ok(body.encode_to_vec().into())
            }
            Types::Unknown => Err(self.undescribed("request")),
        }
    }

    /// The JSON of a request's payload, for a person who looks at what was sent.
    ///
    /// # Errors
    /// `InvalidArgument` if the payload is not what the contract says; `Unimplemented` if the contract does
    /// not describe it.
    pub fn decode_request(&self, codec: Codec, payload: &Bytes) -> Result<Bytes> {
        if codec == Codec::Json {
            return Ok(payload.clone());
        }
        let wrong = |error: prost::DecodeError| {
            Status::invalid_argument(format!("the request of {} is not what its contract says: {error}", self.name))
        };
        match &self.input {
            Types::Protobuf(descriptor) => {
                let message = DynamicMessage::decode(descriptor.clone(), payload.clone()).map_err(wrong)?;
                Ok(json_of(&message)?.into())
            }
            Types::Raw => Ok(raw_json(&HttpBody::decode(payload.clone()).map_err(wrong)?)),
            Types::Json(_) | Types::Unknown => Err(self.undescribed("request")),
        }
    }

    /// The JSON of a reply's payload. Fields at their default are written; raw bytes become
    /// `{"contentType": ..., "data": ...}` with base64.
    ///
    /// # Errors
    /// `Internal` if the payload is not what the contract says; `Unimplemented` if the contract does
    /// not describe it.
    pub fn decode_reply(&self, codec: Codec, payload: &Bytes) -> Result<Bytes> {
        if codec == Codec::Json {
            return Ok(payload.clone());
        }
        match &self.output {
            Types::Protobuf(_) => Ok(json_of(&self.reply_message(payload)?)?.into()),
            Types::Raw => Ok(raw_json(&self.raw_reply(payload)?)),
            Types::Json(_) | Types::Unknown => Err(self.undescribed("reply")),
        }
    }

    /// Decodes a reply that the contract describes.
    ///
    /// # Errors
    /// `Internal` if it is not what the contract says; `Unimplemented` if that does not describe it.
    pub fn reply_message(&self, payload: &Bytes) -> Result<DynamicMessage> {
        let Types::Protobuf(descriptor) = &self.output else { return Err(self.undescribed("reply")) };
        DynamicMessage::decode(descriptor.clone(), payload.clone()).map_err(|error| self.broken(&error))
    }

    /// Decodes a reply that is raw bytes.
    ///
    /// # Errors
    /// `Internal` if it is none.
    pub fn raw_reply(&self, payload: &Bytes) -> Result<HttpBody> {
        HttpBody::decode(payload.clone()).map_err(|error| self.broken(&error))
    }

    /// What a caller is told whose message has no JSON, because the contract does not describe it.
    #[must_use]
    pub fn undescribed(&self, what: &str) -> Status {
        let name = &self.name;
        let message = format!("the contract does not describe the {what} of {name}, so it has no JSON: send protobuf");
        Status::unimplemented(message)
    }

    fn broken(&self, error: &prost::DecodeError) -> Status {
        Status::internal(format!("the reply of {} is not what its contract says: {error}", self.name))
    }
}

/// Raw bytes with a media type, as JSON.
fn raw_json(body: &HttpBody) -> Bytes {
    let data = STANDARD.encode(&body.data);
    serde_json::json!({ "contentType": body.content_type, "data": data }).to_string().into()
}

/// A listener knows the name of its events' type in Rust, which has no package.
fn by_any_name(name: &str, pool: &DescriptorPool) -> Types {
    let mut of_name = pool.all_messages().filter(|message| message.name() == name);
    match (protobuf(name, pool), of_name.next(), of_name.next()) {
        (Types::Unknown, Some(only), None) => Types::Protobuf(only),
        (known, ..) => known,
    }
}

/// A code-first service's contract names its types as Rust does, without a package.
fn protobuf(name: &str, pool: &DescriptorPool) -> Types {
    if name == HttpBody::FULL_NAME || name == "HttpBody" {
        return Types::Raw;
    }
    pool.get_message_by_name(name.trim_start_matches('.')).map_or(Types::Unknown, Types::Protobuf)
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};

    use super::*;

    #[test]
    fn the_message_of_an_event_is_found_by_its_name_in_rust_if_there_is_one() {
        let mut pool = DescriptorPool::new();
        for (package, names) in [("a.v1", &["Made", "Both"][..]), ("b.v1", &["Both"])] {
            let message = |name: &&str| DescriptorProto { name: Some((*name).to_owned()), ..Default::default() };
            let file = FileDescriptorProto {
                name: Some(format!("{package}.proto")),
                package: Some(package.to_owned()),
                message_type: names.iter().map(message).collect(),
                ..Default::default()
            };
            pool.add_file_descriptor_proto(file).unwrap();
        }
        let found = |message: &str| {
            let topic = skyloom_core::TopicName::new("a.b").unwrap();
            let event = EventContract { topic, group: None, shape: Shape::Any, message: message.to_owned() };
            match MethodTranscoder::of_event(&event, &pool).input {
                Types::Protobuf(message) => message.full_name().to_owned(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!((found("Made"), found("a.v1.Made")), ("a.v1.Made".to_owned(), "a.v1.Made".to_owned()));
        assert_eq!((found("b.v1.Both"), found("Both")), ("b.v1.Both".to_owned(), "Unknown".to_owned()));
        assert_eq!((found("Nowhere"), found("")), ("Unknown".to_owned(), "Json(Any)".to_owned()));
    }

    #[test]
    fn nothing_but_white_space_is_an_empty_object() {
        let (input, output) = (Types::Json(Shape::Any), Types::Unknown);
        let method = MethodTranscoder { name: "A".into(), codec: Codec::Json, input, output };
        for (body, payload) in [("", "{}"), (" \r\n", "{}"), (" {}", " {}")] {
            assert_eq!(method.encode_request(&Bytes::from(body)).unwrap(), payload, "{body:?}");
        }
    }
}
