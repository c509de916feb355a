//! A message of which only one field is given.

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, value::MapAccessDeserializer};

use super::read::Read;

/// A seed that takes the JSON of one field and makes the message that has nothing else.
#[derive(Clone, Debug)]
pub(super) struct OneField<'a> {
    pub(super) message: &'a MessageDescriptor,
    pub(super) name: &'a str,
}

/// The object that the field's JSON would stand in.
struct Entry<'a, D> {
    name: Option<&'a str>,
    value: Option<D>,
}

impl<'de> DeserializeSeed<'de> for OneField<'_> {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<DynamicMessage, D::Error> {
        let entry = Entry { name: Some(self.name), value: Some(json) };
        Read(self.message).deserialize(MapAccessDeserializer::new(entry))
    }
}

impl<'de, D: Deserializer<'de>> MapAccess<'de> for Entry<'_, D> {
    type Error = D::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, D::Error> {
        self.name.take().map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, D::Error> {
        let value = self.value.take().ok_or_else(|| D::Error::custom("a field has one value"))?;
        seed.deserialize(value)
    }
}
