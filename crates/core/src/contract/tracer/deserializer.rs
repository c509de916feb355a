//! The deserializer that hands out samples and records what it is asked for.

use std::cell::Cell;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::{
    error::Stopped,
    node::{Entry, Node},
    progress::{MAX_DEPTH, Progress},
};
use crate::contract::Shape;

/// A string that most checks accept.
const SAMPLE: &str = "a";

/// Hands out a sample for one value.
pub(super) struct Tracer<'a> {
    progress: &'a Progress,
    node: &'a mut Node,
    depth: usize,
}

impl<'a> Tracer<'a> {
    /// A sample for the whole value.
    pub(super) fn new(progress: &'a Progress, node: &'a mut Node) -> Self {
        Self { progress, node, depth: 0 }
    }

    /// Records what the value is, unless it is known.
    fn learn(&mut self, make: impl FnOnce() -> Node) {
        if matches!(self.node, Node::Fresh) {
            *self.node = if self.progress.another_node() { make() } else { Node::Known(Shape::Any) };
            self.progress.changed();
        }
    }

    /// The value can be anything; nothing is learnt from it, and there is no sample of it.
    fn give_up<T>(self) -> Result<T, Stopped> {
        *self.node = Node::Known(Shape::Any);
        self.progress.changed();
        Err(Stopped)
    }

    fn leaf(&mut self, shape: Shape) {
        self.learn(|| Node::Known(shape));
    }

    /// Whether the parts of this value are too deep.
    fn at_the_bottom(&self) -> bool {
        self.depth >= MAX_DEPTH
    }
}

/// A tracer for a part of a value.
fn part<'a>(progress: &'a Progress, node: &'a mut Node, depth: usize) -> Tracer<'a> {
    Tracer { progress, node, depth: depth + 1 }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $sample:expr, $shape:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
            self.leaf($shape);
            visitor.$visit($sample)
        }
    )*};
}

/// The whole numbers of a signed type with this maximum.
const fn signed(most: i64) -> Shape {
    Shape::Ranged { least: -most - 1, most: most.unsigned_abs() }
}

/// The whole numbers of an unsigned type with this maximum.
const fn unsigned(most: u64) -> Shape {
    Shape::Ranged { least: 0, most }
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Stopped;

    // One, since types that exclude a number mostly exclude zero.
    leaves! {
        deserialize_bool visit_bool false, Shape::Bool;
        deserialize_i8 visit_i8 1, signed(i8::MAX.into());
        deserialize_i16 visit_i16 1, signed(i16::MAX.into());
        deserialize_i32 visit_i32 1, signed(i32::MAX.into());
        deserialize_i64 visit_i64 1, signed(i64::MAX);
        deserialize_i128 visit_i128 1, Shape::Integer;
        deserialize_u8 visit_u8 1, unsigned(u8::MAX.into());
        deserialize_u16 visit_u16 1, unsigned(u16::MAX.into());
        deserialize_u32 visit_u32 1, unsigned(u32::MAX.into());
        deserialize_u64 visit_u64 1, unsigned(u64::MAX);
        deserialize_u128 visit_u128 1, Shape::Integer;
        deserialize_f32 visit_f32 1.0, Shape::Number;
        deserialize_f64 visit_f64 1.0, Shape::Number;
        deserialize_char visit_char 'a', Shape::String;
        deserialize_str visit_str SAMPLE, Shape::String;
        deserialize_string visit_str SAMPLE, Shape::String;
        deserialize_bytes visit_bytes b"a", Shape::Any;
        deserialize_byte_buf visit_bytes b"a", Shape::Any;
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
        self.leaf(Shape::Any);
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
        self.leaf(Shape::Null);
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stopped> {
        self.progress.flattened.set(true);
        self.give_up()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Stopped> {
        let progress = self.progress;
        if progress.is_open((name, &[])) {
            return self.give_up();
        }
        progress.inside((name, &[]), || visitor.visit_newtype_struct(self))
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
        self.learn(|| Node::Optional(Box::default()));
        match self.node {
            Node::Optional(_) if self.depth >= MAX_DEPTH => visitor.visit_none(),
            Node::Optional(inner) => visitor.visit_some(part(self.progress, inner, self.depth)),
            _ => self.give_up(),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
        self.learn(|| Node::Array(Box::default()));
        let nodes = match self.node {
            Node::Array(_) if self.depth >= MAX_DEPTH => &mut [],
            Node::Array(item) => std::slice::from_mut(&mut **item),
            _ => return self.give_up(),
        };
        visitor.visit_seq(Items { progress: self.progress, nodes: nodes.iter_mut(), depth: self.depth })
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Stopped> {
        if self.at_the_bottom() {
            return self.give_up();
        }
        self.learn(|| Node::Tuple(std::iter::repeat_with(Node::default).take(len).collect()));
        let Node::Tuple(nodes) = self.node else { return self.give_up() };
        visitor.visit_seq(Items { progress: self.progress, nodes: nodes.iter_mut(), depth: self.depth })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stopped> {
        self.learn(|| Node::Map(Box::default()));
        let value = match self.node {
            Node::Map(_) if self.depth >= MAX_DEPTH => None,
            Node::Map(value) => Some(&mut **value),
            _ => return self.give_up(),
        };
        let result = visitor.visit_map(Pair { progress: self.progress, value, asked: None, depth: self.depth });
        if self.progress.flattened.take() {
            return self.give_up();
        }
        result
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        // Names with a dollar sign are a private agreement of a type with its own deserializer.
        if name.starts_with('$') || self.at_the_bottom() || self.progress.is_open((name, fields)) {
            return self.give_up();
        }
        self.learn(|| Node::Object { name, fields: fields.iter().copied().map(Entry::new).collect() });
        let Node::Object { fields: entries, .. } = self.node else { return self.give_up() };
        let parts = Fields { progress: self.progress, entries: entries.iter_mut(), asked: None, depth: self.depth };
        let result = self.progress.inside((name, fields), || visitor.visit_map(parts));
        if self.progress.adjacent.take() {
            return self.give_up();
        }
        result
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        if self.progress.innermost().is_some_and(|(open, fields)| open == name && fields.len() == 2) {
            self.progress.adjacent.set(true);
            return self.give_up();
        }
        self.learn(|| Node::Names { names: variants, checked: 0 });
        let Node::Names { checked, .. } = self.node else { return self.give_up() };
        let Some(variant) = variants.get(*checked).or(variants.first()) else { return self.give_up() };
        let unit = Cell::new(false);
        let result = visitor.visit_enum(Variant { name: variant, unit: &unit });
        if !unit.get() {
            return self.give_up();
        }
        if *checked < variants.len() {
            *checked += 1;
            self.progress.changed();
        }
        result
    }
}

/// The items of a sequence: one sample for each node.
struct Items<'a> {
    progress: &'a Progress,
    nodes: std::slice::IterMut<'a, Node>,
    depth: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Stopped;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        seed.deserialize(part(self.progress, node, self.depth)).map(Some)
    }
}

/// The one entry of a map.
struct Pair<'a> {
    progress: &'a Progress,
    value: Option<&'a mut Node>,
    asked: Option<&'a mut Node>,
    depth: usize,
}

impl<'de> MapAccess<'de> for Pair<'_> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.asked = self.value.take();
        if self.asked.is_none() {
            return Ok(None);
        }
        // In JSON a key is a string, whatever it becomes; its shape does not matter.
        let mut key = Node::Fresh;
        seed.deserialize(part(self.progress, &mut key, self.depth)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stopped> {
        let node = self.asked.take().ok_or(Stopped)?;
        seed.deserialize(part(self.progress, node, self.depth))
    }
}

/// The fields of a struct of which there is still something to learn.
struct Fields<'a> {
    progress: &'a Progress,
    entries: std::slice::IterMut<'a, Entry>,
    asked: Option<&'a mut Entry>,
    depth: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.asked = self.entries.find(|entry| !entry.done);
        let Some(entry) = &self.asked else { return Ok(None) };
        let name: StrDeserializer<'_, Stopped> = entry.name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stopped> {
        let entry = self.asked.take().ok_or(Stopped)?;
        let before = self.progress.changes();
        let result = seed.deserialize(part(self.progress, &mut entry.node, self.depth));
        if entry.node.complete() || self.progress.changes() == before {
            entry.done = true;
            self.progress.changed();
        }
        result
    }
}

/// One variant of an enum.
struct Variant<'a> {
    name: &'static str,
    unit: &'a Cell<bool>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Stopped;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stopped> {
        let name: StrDeserializer<'_, Stopped> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Stopped;

    fn unit_variant(self) -> Result<(), Stopped> {
        self.unit.set(true);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Stopped> {
        Err(Stopped)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Stopped> {
        Err(Stopped)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Stopped> {
        Err(Stopped)
    }
}
