//! JSON to messages, by protobuf's own mapping (<https://protobuf.dev/programming-guides/json/>).
//!
//! prost-reflect has the mapping, too, and goes astray where it matters: a `null` for a list of `google.protobuf.Value` is a
//! panic, `"1e999"` infinity, 2^64 one less. What is right there is used here.

use std::{collections::HashMap, fmt};

use prost::Message as _;
use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Map;

use super::{
    find_field,
    number::{Real, Whole},
    scalar::{Base64, Key, Word},
    well_known::{Form, TYPE, VALUE, carried, is_empty},
};

/// A seed that reads a message. Unknown fields are refused; of a field that is given twice the last value counts, and `null`
/// is as if it were not given.
#[derive(Clone, Debug)]
pub(super) struct Read<'a>(pub(super) &'a MessageDescriptor);

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<DynamicMessage, D::Error> {
        match Form::of(self.0) {
            Form::Fields => json.deserialize_map(self),
            Form::Wrapper(field) => {
                let mut message = DynamicMessage::new(self.0.clone());
                message.set_field(&field, One(&field.kind()).deserialize(json)?);
                Ok(message)
            }
            Form::Any => read_any(self.0, json),
            Form::Own => self.0.clone().deserialize(json),
        }
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = DynamicMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object, a {}", self.0.name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DynamicMessage, A::Error> {
        let mut message = DynamicMessage::new(self.0.clone());
        while let Some(name) = map.next_key_seed(Name(self.0))? {
            match name {
                Named::Field(field) => match map.next_value_seed(Given::of(&field))? {
                    Some(value) => {
                        check_alternatives(&message, &field)?;
                        message.set_field(&field, value);
                    }
                    None => message.clear_field(&field),
                },
                Named::Extension(field) => {
                    let (list, map_of) = (field.is_list(), field.is_map());
                    match map.next_value_seed(Given { kind: field.kind(), list, map: map_of })? {
                        Some(value) => message.set_extension(&field, value),
                        None => message.clear_extension(&field),
                    }
                }
            }
        }
        Ok(message)
    }
}

/// Reads what an `Any` carries; nothing at all if the object is empty.
fn read_any<'de, D: Deserializer<'de>>(any: &MessageDescriptor, json: D) -> Result<DynamicMessage, D::Error> {
    let mut object = Map::<String, serde_json::Value>::deserialize(json)?;
    let mut message = DynamicMessage::new(any.clone());
    if object.is_empty() {
        return Ok(message);
    }
    let Some(serde_json::Value::String(url)) = object.remove(TYPE) else {
        return Err(D::Error::custom("a google.protobuf.Any names the type of what it carries in \"@type\""));
    };
    let carried = carried(any, &url).map_err(D::Error::custom)?;
    let is_whole = matches!(Form::of(&carried), Form::Fields) && !(is_empty(&carried) && object.contains_key(VALUE));
    let inner = if is_whole {
        serde_json::Value::Object(object)
    } else {
        let value = object.remove(VALUE).ok_or_else(|| D::Error::missing_field(VALUE))?;
        if let Some(name) = object.keys().next() {
            return Err(D::Error::custom(format_args!("there is no field {name:?} beside \"@type\" and \"value\"")));
        }
        value
    };
    let inner = Read(&carried).deserialize(inner).map_err(D::Error::custom)?;
    message.set_field_by_number(1, Value::String(url));
    message.set_field_by_number(2, Value::Bytes(inner.encode_to_vec().into()));
    Ok(message)
}

/// Refuses a second field of a `oneof`.
fn check_alternatives<E: Error>(message: &DynamicMessage, field: &FieldDescriptor) -> Result<(), E> {
    let Some(choice) = field.containing_oneof() else { return Ok(()) };
    match choice.fields().find(|other| other != field && message.has_field(other)) {
        Some(other) => {
            let (one, other) = (field.json_name(), other.json_name());
            Err(E::custom(format_args!("{one:?} cannot be given beside {other:?}: of these one alone can be set")))
        }
        None => Ok(()),
    }
}

/// A seed for the name of a field.
struct Name<'a>(&'a MessageDescriptor);

enum Named {
    Field(FieldDescriptor),
    Extension(ExtensionDescriptor),
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Named, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Named, E> {
        let field = find_field(self.0, name).map(Named::Field);
        let found = field.or_else(|| self.0.get_extension_by_json_name(name).map(Named::Extension));
        found.ok_or_else(|| E::custom(format_args!("there is no field {name:?} in {}", self.0.full_name())))
    }
}

/// A seed for what a field is given: none if it is `null`, unless that is a value of the field's type.
struct Given {
    kind: Kind,
    list: bool,
    map: bool,
}

impl Given {
    fn of(field: &FieldDescriptor) -> Self {
        Self { kind: field.kind(), list: field.is_list(), map: field.is_map() }
    }

    fn is_null_a_value(&self) -> bool {
        let one = !self.list && !self.map;
        one && match &self.kind {
            Kind::Message(message) => message.full_name() == "google.protobuf.Value",
            Kind::Enum(words) => words.full_name() == "google.protobuf.NullValue",
            _ => false,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Given {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Value>, D::Error> {
        if self.is_null_a_value() { One(&self.kind).deserialize(json).map(Some) } else { json.deserialize_option(self) }
    }
}

impl<'de> Visitor<'de> for Given {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Option<Value>, D::Error> {
        Ok(Some(match &self.kind {
            kind if self.list => Value::List(json.deserialize_seq(Items(kind))?),
            Kind::Message(entry) if self.map => Value::Map(json.deserialize_map(Entries(entry))?),
            kind => One(kind).deserialize(json)?,
        }))
    }
}

/// A seed for one value.
struct One<'a>(&'a Kind);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        // What is cast is within the bounds of its type.
        Ok(match self.0 {
            Kind::Bool => Value::Bool(bool::deserialize(json)?),
            Kind::String => Value::String(String::deserialize(json)?),
            Kind::Bytes => Value::Bytes(Base64.deserialize(json)?.into()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(Whole::I32.deserialize(json)? as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(Whole::I64.deserialize(json)? as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(Whole::U32.deserialize(json)? as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(Whole::U64.deserialize(json)? as u64),
            Kind::Float => Value::F32(Real::Single.deserialize(json)? as f32),
            Kind::Double => Value::F64(Real::Double.deserialize(json)?),
            Kind::Enum(words) => Value::EnumNumber(Word(words).deserialize(json)?),
            Kind::Message(message) => Value::Message(Read(message).deserialize(json)?),
        })
    }
}

struct Items<'a>(&'a Kind);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Value>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(One(self.0))? {
            items.push(item);
        }
        Ok(items)
    }
}

struct Entries<'a>(&'a MessageDescriptor);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = HashMap<MapKey, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HashMap<MapKey, Value>, A::Error> {
        let (key, value) = (self.0.map_entry_key_field().kind(), self.0.map_entry_value_field().kind());
        let mut entries = HashMap::new();
        while let Some(key) = map.next_key_seed(Key(&key))? {
            entries.insert(key, map.next_value_seed(One(&value))?);
        }
        Ok(entries)
    }
}
