//! Shapes of real types.

use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroU32,
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    QueueName,
    contract::{Field, Shape},
};

const U8: Shape = unsigned(u8::MAX as u64);
const U32: Shape = unsigned(u32::MAX as u64);

const fn unsigned(most: u64) -> Shape {
    Shape::Ranged { least: 0, most }
}

fn shape<T: DeserializeOwned>() -> Shape {
    Shape::of::<T>()
}

fn object(name: &str, fields: &[(&str, Shape)]) -> Shape {
    let field = |(name, shape): &(&str, Shape)| Field { name: (*name).to_owned(), shape: shape.clone() };
    Shape::Object { name: name.to_owned(), fields: fields.iter().map(field).collect() }
}

fn optional(inner: Shape) -> Shape {
    Shape::Optional { inner: Box::new(inner) }
}

fn array(items: Shape) -> Shape {
    Shape::Array { items: Box::new(items) }
}

fn map(values: Shape) -> Shape {
    Shape::Map { values: Box::new(values) }
}

fn one_of(names: &[&str]) -> Shape {
    Shape::OneOf { names: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn plain_values() {
    assert_eq!(shape::<bool>(), Shape::Bool);
    assert_eq!(shape::<NonZeroU32>(), U32);
    assert_eq!(shape::<f32>(), Shape::Number);
    assert_eq!(shape::<char>(), Shape::String);
    assert_eq!(shape::<String>(), Shape::String);
    assert_eq!(shape::<()>(), Shape::Null);
    assert_eq!(shape::<serde_json::Value>(), Shape::Any);
    assert_eq!(shape::<std::net::IpAddr>(), Shape::String);
}

#[test]
fn whole_numbers_have_the_bounds_of_their_type() {
    assert_eq!((shape::<u8>(), shape::<u32>(), shape::<u64>()), (U8, U32, unsigned(u64::MAX)));
    assert_eq!(shape::<u16>(), unsigned(65_535));
    assert_eq!(shape::<i8>(), Shape::Ranged { least: -128, most: 127 });
    assert_eq!(shape::<i16>(), Shape::Ranged { least: -32_768, most: 32_767 });
    assert_eq!(shape::<i32>(), Shape::Ranged { least: i32::MIN.into(), most: 2_147_483_647 });
    assert_eq!(shape::<i64>(), Shape::Ranged { least: i64::MIN, most: 9_223_372_036_854_775_807 });
    assert_eq!((shape::<i128>(), shape::<u128>()), (Shape::Integer, Shape::Integer));
    assert_eq!(shape::<(i8, u16)>(), array(Shape::Ranged { least: -128, most: 65_535 }));
    assert_eq!(shape::<(i8, u128)>(), array(Shape::Integer));
}

#[test]
fn compound_values() {
    assert_eq!(shape::<Option<u32>>(), optional(U32));
    assert_eq!(shape::<Vec<Option<String>>>(), array(optional(Shape::String)));
    assert_eq!(shape::<HashSet<u8>>(), array(U8));
    assert_eq!(shape::<[bool; 3]>(), array(Shape::Bool));
    assert_eq!(shape::<(u8, String)>(), array(Shape::Any));
    assert_eq!(shape::<BTreeMap<String, f64>>(), map(Shape::Number));
    assert_eq!(shape::<BTreeMap<u32, Vec<u8>>>(), map(array(U8)));
    assert_eq!(shape::<Box<str>>(), Shape::String);
    assert_eq!(shape::<Duration>(), object("Duration", &[("secs", unsigned(u64::MAX)), ("nanos", U32)]));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is used")]
struct Order {
    order_id: u64,
    #[serde(default)]
    note: String,
    items: Vec<Item>,
    #[serde(rename = "kind")]
    sort: Sort,
    price: Price,
    #[serde(skip)]
    internal: u8,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape is used")]
struct Item {
    sku: String,
    count: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    FirstClass,
    Parcel,
    #[serde(alias = "air")]
    AirMail,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape is used")]
struct Price(f64);

#[test]
fn a_struct_with_all_that_it_contains() {
    let item = object("Item", &[("sku", Shape::String), ("count", optional(U32))]);
    let shape = shape::<Order>();
    let names: Vec<&str> = match &shape {
        Shape::Object { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(names, ["orderId", "note", "items", "kind", "price"]);
    let field = |name: &str| shape.field(name).unwrap().shape.clone();
    assert_eq!(field("orderId"), unsigned(u64::MAX));
    assert_eq!(field("note"), Shape::String);
    assert_eq!(field("items"), array(item));
    assert_eq!(field("price"), Shape::Number);
    assert!(matches!(field("kind"), Shape::OneOf { names } if names.contains(&"parcel".to_owned())));
}

#[test]
fn an_enum_is_one_of_its_names_if_none_of_them_holds_a_value() {
    #[derive(Deserialize)]
    enum Colour {
        Red,
        Green,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Figure {
        Point,
        Circle(f64),
    }
    assert_eq!(shape::<Colour>(), one_of(&["Red", "Green"]));
    assert_eq!(shape::<Vec<Colour>>(), array(one_of(&["Red", "Green"])));
    assert_eq!(shape::<Figure>(), Shape::Any);
}

/// A type that accepts only "yes".
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Picky;

impl TryFrom<String> for Picky {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "yes" { Ok(Self) } else { Err("say yes") }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape is used")]
struct Strict {
    first: Picky,
    second: Picky,
    third: u8,
    more: Vec<Picky>,
}

#[test]
fn a_type_that_refuses_the_samples_is_what_it_asked_for() {
    let strict = object(
        "Strict",
        &[("first", Shape::String), ("second", Shape::String), ("third", U8), ("more", array(Shape::String))],
    );
    assert_eq!(shape::<Picky>(), Shape::String);
    assert_eq!(shape::<QueueName>(), Shape::String);
    assert_eq!(shape::<Strict>(), strict);
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Outer {
        strict: Strict,
        after: bool,
    }
    assert_eq!(shape::<Outer>(), object("Outer", &[("strict", strict), ("after", Shape::Bool)]));
}

#[test]
fn an_alias_is_a_field_of_its_own() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Person {
        #[serde(alias = "label", alias = "title")]
        name: String,
        age: u8,
    }
    let shape = shape::<Person>();
    assert_eq!(shape.field("name").unwrap().shape, Shape::String);
    assert_eq!(shape.field("age").unwrap().shape, U8);
    for alias in ["label", "title"] {
        assert_eq!(shape.field(alias).unwrap().shape, Shape::String, "{alias}");
    }
}

#[test]
fn what_serde_buffers_is_anything() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Untagged {
        Number(u8),
        Text(String),
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Internal {
        A { x: u8 },
        B,
    }
    #[derive(Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Adjacent {
        A(u8),
        B(String),
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct All {
        flat: Flat,
        untagged: Untagged,
        internal: Internal,
        adjacent: Adjacent,
        last: bool,
    }
    assert_eq!(shape::<Flat>(), Shape::Any);
    assert_eq!(shape::<Adjacent>(), Shape::Any);
    let all = object(
        "All",
        &[
            ("flat", Shape::Any),
            ("untagged", Shape::Any),
            ("internal", Shape::Any),
            ("adjacent", Shape::Any),
            ("last", Shape::Bool),
        ],
    );
    assert_eq!(shape::<All>(), all);
}

#[test]
fn recursion_ends() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Tree {
        left: Option<Box<Tree>>,
        children: Vec<Tree>,
        by_name: BTreeMap<String, Tree>,
        value: u8,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Nested(Vec<Nested>);
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Expression {
        Not(Box<Expression>),
        True,
    }
    let tree = object(
        "Tree",
        &[("left", optional(Shape::Any)), ("children", array(Shape::Any)), ("by_name", map(Shape::Any)), ("value", U8)],
    );
    assert_eq!(shape::<Tree>(), tree);
    assert_eq!(shape::<Nested>(), array(Shape::Any));
    assert_eq!(shape::<Expression>(), Shape::Any);
}

#[test]
fn depth_and_size_are_bounded() {
    macro_rules! nest {
        ($inner:ty;) => { $inner };
        ($inner:ty; $head:tt $($tail:tt)*) => { nest!(Vec<Option<$inner>>; $($tail)*) };
    }
    type Deep = nest!(u8; 1 2 3 4 5 6 7 8 9 10 11 12);
    type Wide = [[[u8; 16]; 16]; 16];
    let mut levels = 0;
    let mut shape_of_deep = shape::<Deep>();
    while let Shape::Array { items: inner } | Shape::Optional { inner } = shape_of_deep {
        shape_of_deep = *inner;
        levels += 1;
    }
    assert_eq!((levels, shape_of_deep), (17, Shape::Any));
    assert!(matches!(shape::<Wide>(), Shape::Array { .. }));
}
