//! Protobuf's JSON, from <https://protobuf.dev/programming-guides/json/> and the conformance tests of protobuf itself.

use std::{path::Path, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use prost::Message as _;
use serde_json::Value;
use skyloom::{
    Codec, Context, Payload, Result,
    service::{Definition, Described, Method},
    worker::Running,
};
use skyloom_gateway::GatewayOptions;

use super::{cluster::Cluster, http1::post};

/// A message that nobody takes apart.
struct Whole(Bytes);

impl Payload for Whole {
    const CODEC: Codec = Codec::Protobuf;

    fn encode(&self) -> Result<Bytes> {
        Ok(self.0.clone())
    }

    fn decode(bytes: Bytes) -> Result<Self> {
        Ok(Self(bytes))
    }

    fn type_name() -> String {
        EVERY.to_owned()
    }
}

/// The bytes of a message.
#[derive(Clone, PartialEq, prost::Message)]
struct Data {
    #[prost(bytes = "bytes", tag = "9")]
    data: Bytes,
}

/// Answers with what it was given, or with the message whose bytes it was given.
struct Mapping;

fn descriptors() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto");
        protox::compile([own.join("mapping.proto")], [own]).unwrap().encode_to_vec()
    })
}

const EVERY: &str = "mapping.v1.Every";

impl Described for Mapping {
    fn definition() -> Definition<Self> {
        let echo = |_, _: Context, whole: Whole| async move { Ok(whole) };
        let data = |_, _: Context, data: Data| async move { Ok(Whole(data.data)) };
        Definition::new("mapping.v1.Mapping", "mapping.v1", 1)
            .descriptors(descriptors())
            .method(Method::new("Echo", echo).types(EVERY, EVERY))
            .method(Method::new("Data", data).types(EVERY, EVERY))
    }
}

const PATH: &str = "/mapping.v1.Mapping/Echo";

async fn started() -> (Cluster, Running) {
    let cluster = Cluster::empty(GatewayOptions::default()).await;
    let running = cluster.serve(Mapping).await;
    cluster.settle(|status| status == 405, PATH).await;
    (cluster, running)
}

/// What is given, and what comes back of it, which is the same if it is not said.
const READ: &[(&str, &str)] = &[
    // Whole numbers: as numbers or as text, with an exponent or without.
    (r#"{"i32":-2147483648,"u32":4294967295}"#, ""),
    (r#"{"i64":"-9223372036854775808","u64":"18446744073709551615"}"#, ""),
    (
        r#"{"i64":-9223372036854775808,"u64":18446744073709551615}"#,
        r#"{"i64":"-9223372036854775808","u64":"18446744073709551615"}"#,
    ),
    (r#"{"i32":"12","u32":"1e5","i64":"-1.5e1","u64":"1E2"}"#, r#"{"i32":12,"u32":100000,"i64":"-15","u64":"100"}"#),
    (r#"{"i32":1e5,"u32":3.0,"i64":100000.000}"#, r#"{"i32":100000,"u32":3,"i64":"100000"}"#),
    (r#"{"i32":"2\u00314"}"#, r#"{"i32":214}"#),
    // Numbers with a fraction, and what is none.
    (r#"{"ratio":1.5,"single":0.1}"#, ""),
    (r#"{"ratio":"-2.5e-3","single":"1"}"#, r#"{"ratio":-0.0025,"single":1.0}"#),
    (r#"{"ratio":"NaN","single":"-Infinity"}"#, ""),
    (r#"{"single":3.4028235e38,"ratio":1.7976931348623157e308}"#, ""),
    // Wrappers are what they wrap.
    (r#"{"doubleValue":"NaN","floatValue":"Infinity","doubles":["-Infinity","NaN",1.5]}"#, ""),
    (
        r#"{"doubleValue":0.0,"int64Value":"0","uint64Value":"0","int32Value":0,"boolValue":false,"stringValue":"","bytesValue":""}"#,
        "",
    ),
    (
        r#"{"int64Value":7,"uint64Value":"1e1","int32Value":"8","bytesValue":"AQI"}"#,
        r#"{"int64Value":"7","uint64Value":"10","int32Value":8,"bytesValue":"AQI="}"#,
    ),
    // Both alphabets of base64, with padding or without.
    (r#"{"data":"+/8="}"#, ""),
    (r#"{"data":"-_8"}"#, r#"{"data":"+/8="}"#),
    (r#"{"data":"+/8"}"#, r#"{"data":"+/8="}"#),
    // Both spellings of a name, and escapes in it; the last of two values.
    (r#"{"long_text":"a"}"#, r#"{"longText":"a"}"#),
    (r#"{"long\u0054ext":"\ud83d\ude01"}"#, r#"{"longText":"😁"}"#),
    (r#"{"longText":"a","long_text":"b"}"#, r#"{"longText":"b"}"#),
    (r#"{"inner":{"i32":1,"maybe":1},"inner":{"maybe":2,"maybe":3}}"#, r#"{"inner.i32":0,"inner.maybe":3}"#),
    (r#"{"first":"a","first":"b"}"#, r#"{"first":"b"}"#),
    (r#"{"byNumber":{"1":"a","1":"b"},"numbers":[1],"numbers":[2]}"#, r#"{"byNumber":{"1":"b"},"numbers":[2]}"#),
    // Nothing is as if it were not given, whatever the type, unless it is a value of it.
    (
        r#"{"i32":null,"longText":null,"data":null,"word":null,"inner":null,"numbers":null,"byNumber":null,"time":null,"any":null}"#,
        r#"{"i32":0,"inner":null}"#,
    ),
    (
        r#"{"doubleValue":null,"doubles":null,"values":null,"nothings":null,"object":null,"list":null,"yes":null}"#,
        r#"{"values":[],"nothings":[]}"#,
    ),
    (r#"{"i32":1,"i32":null,"first":null,"second":"a","first":null}"#, r#"{"i32":0,"second":"a"}"#),
    (
        r#"{"value":null,"nothing":null,"values":[null],"nothings":[null,"NULL_VALUE"]}"#,
        r#"{"value":null,"values":[null],"nothings":[null,null]}"#,
    ),
    // Enums by name or by number, also by one that is not known.
    (r#"{"word":"ONE"}"#, ""),
    (r#"{"word":1}"#, r#"{"word":"ONE"}"#),
    (r#"{"word":123}"#, ""),
    // The keys of maps are text.
    (r#"{"byNumber":{"-1":"a","2":""},"byTruth":{"true":"a","false":"b"}}"#, ""),
    (r#"{"byName":{"":{},"a.b":{"i32":1}}}"#, r#"{"byName..i32":0}"#),
    // Times and durations, with as many digits as they need out of none, three, six and nine.
    (r#"{"time":"0001-01-01T00:00:00Z","duration":"-315576000000.999999999s"}"#, ""),
    (r#"{"time":"9999-12-31T23:59:59.999999999Z","duration":"315576000000.999999999s"}"#, ""),
    (
        r#"{"time":"1970-01-01T08:00:01.01+08:00","duration":"1.50s"}"#,
        r#"{"time":"1970-01-01T00:00:01.010Z","duration":"1.500s"}"#,
    ),
    (r#"{"time":"1969-12-31T23:59:59.000010Z","duration":"-0.000000001s"}"#, ""),
    // Names of fields.
    (r#"{"mask":"a,bC.dE"}"#, ""),
    (r#"{"mask":""}"#, ""),
    // Any JSON there is.
    (r#"{"object":{"a":[null,1.0,"x",{"b":true}]},"value":[{}],"list":[[],null],"empty":{}}"#, ""),
    // What an Any carries.
    (r#"{"any":{"@type":"type.googleapis.com/google.protobuf.DoubleValue","value":"NaN"}}"#, ""),
    (r#"{"any":{"value":"1.500s","@type":"type.googleapis.com/google.protobuf.Duration"}}"#, ""),
    (r#"{"any":{"i32":5,"@type":"x/mapping.v1.Every"}}"#, r#"{"any.@type":"x/mapping.v1.Every","any.i32":5}"#),
    (r#"{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/google.protobuf.Value","value":null}}}"#, ""),
    (r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#, ""),
    (r#"{"any":{"@type":"x/google.protobuf.Empty","value":{}}}"#, r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#),
    (r#"{"any":{}}"#, ""),
];

/// What is refused, and a part of the sentence that says why.
const REFUSED: &[(&str, &str)] = &[
    (
        r#"{"i32":2147483648}"#,
        "field \"i32\" is not as expected: invalid value: integer `2147483648`, expected a whole number from -2147483648 to 2147483647",
    ),
    (r#"{"i32":"-2147483649"}"#, "string \"-2147483649\", expected a whole number"),
    (r#"{"i64":9223372036854775808}"#, "integer `9223372036854775808`, expected a whole number"),
    (r#"{"i64":9.223372036854775808e18}"#, "floating point"),
    (r#"{"u64":18446744073709551616}"#, "floating point"),
    (r#"{"i64":"-9223372036854775809"}"#, "string \"-9223372036854775809\", expected a whole number from"),
    (r#"{"u64":"18446744073709551616"}"#, "string \"18446744073709551616\", expected a whole number from 0 to"),
    (r#"{"u64":"1e536870000"}"#, "string \"1e536870000\""),
    (r#"{"u32":-1}"#, "integer `-1`, expected a whole number from 0 to 4294967295"),
    (r#"{"i32":0.5}"#, "floating point `0.5`, expected a whole number"),
    (r#"{"i64":"0.5"}"#, "expected a whole number"),
    (r#"{"i32":true}"#, "boolean `true`, expected a whole number"),
    (r#"{"i32":""}"#, "string \"\", expected a whole number"),
    (r#"{"i32":" 1"}"#, "string \" 1\""),
    (r#"{"i32":"+1"}"#, "string \"+1\""),
    (r#"{"i32":"01"}"#, "string \"01\""),
    (r#"{"single":3.5e38}"#, "expected a number of 32 bits"),
    (r#"{"single":"3.5e38"}"#, "expected a number of 32 bits"),
    (r#"{"ratio":1e999}"#, "number out of range"),
    (r#"{"ratio":"1e999"}"#, "string \"1e999\", expected a number, \"NaN\""),
    (r#"{"ratio":"inf"}"#, "string \"inf\""),
    (r#"{"ratio":"nan"}"#, "string \"nan\""),
    (r#"{"doubleValue":"Inf"}"#, "string \"Inf\""),
    (r#"{"ratio":NaN}"#, "the body is not JSON"),
    (r#"{"yes":"true"}"#, "expected a boolean"),
    (r#"{"yes":0}"#, "expected a boolean"),
    (r#"{"longText":5}"#, "integer `5`, expected a string"),
    (r#"{"data":"a"}"#, "string \"a\", expected base64"),
    (r#"{"data":"+_8="}"#, "expected base64"),
    (r#"{"word":"TWO"}"#, "\"TWO\" is not one of ZERO, ONE"),
    (r#"{"word":true}"#, "expected the name or the number of a Word"),
    (r#"{"numbers":1}"#, "expected an array"),
    (r#"{"numbers":[1,null]}"#, "field \"numbers[1]\" is not as expected: invalid type: null"),
    (r#"{"doubles":[null]}"#, "field \"doubles[0]\" is not as expected: invalid type: null"),
    (r#"{"byNumber":{"a":"b"}}"#, "string \"a\", expected a whole number"),
    (r#"{"byNumber":{"1":null}}"#, "invalid type: null, expected a string"),
    (r#"{"byTruth":{"1":"b"}}"#, "string \"1\", expected true or false"),
    (r#"{"inner":[]}"#, "expected an object, a Every"),
    (r#"{"inner":{"i33":1}}"#, "there is no field \"inner.i33\" in mapping.v1.Every; did you mean \"i32\"?"),
    (r#"{"first":"a","second":"b"}"#, "\"second\" cannot be given beside \"first\": of these one alone can be set"),
    (r#"{"time":"0000-01-01T00:00:00Z"}"#, "field \"time\""),
    (r#"{"time":"2001-02-29T00:00:00Z"}"#, "field \"time\""),
    (r#"{"time":"2001-02-28 00:00:00Z"}"#, "field \"time\""),
    (r#"{"time":"2001-02-28T00:00:00"}"#, "field \"time\""),
    (r#"{"time":5}"#, "field \"time\""),
    (r#"{"duration":"315576000001s"}"#, "field \"duration\""),
    (r#"{"duration":"1"}"#, "field \"duration\""),
    (r#"{"mask":"a_b"}"#, "field \"mask\""),
    (r#"{"any":{"@type":"x/no.Such"}}"#, "the contract does not describe \"no.Such\""),
    (r#"{"any":{"@type":"Every"}}"#, "\"Every\" names no type"),
    (r#"{"any":{"i32":5}}"#, "names the type of what it carries in \"@type\""),
    (r#"{"any":{"@type":"x/google.protobuf.Duration"}}"#, "missing field `value`"),
    (r#"{"any":{"@type":"x/google.protobuf.Duration","value":"1s","x":1}}"#, "there is no field \"x\""),
    (r#"{"any":{"@type":"x/mapping.v1.Every","i33":5}}"#, "there is no field \"i33\""),
    (r#"null"#, "invalid type: null"),
    (r#"{"longText":"\ud800"}"#, "the body is not JSON"),
    (r#"{"i32":1,}"#, "the body is not JSON"),
];

/// A member of an object, by its path.
fn member<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |object, step| object.get(step))
}

#[tokio::test]
async fn what_the_mapping_allows_is_read_and_written() {
    let (cluster, _running) = started().await;
    for (given, expected) in READ {
        let answer = post(cluster.address, PATH, given).await;
        assert_eq!(answer.status, 200, "{given}: {}", answer.text());
        let answer = answer.json();
        let expected: Value = serde_json::from_str(if expected.is_empty() { given } else { expected }).unwrap();
        for (path, value) in expected.as_object().unwrap() {
            let found = answer.get(path).or_else(|| member(&answer, path)).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{path} of {given}");
        }
    }
}

#[tokio::test]
async fn a_number_keeps_each_of_its_digits() {
    let (cluster, _running) = started().await;
    for number in ["94.95886283158103", "-18.183216676054286", "9.126469444394135e-6", "2.22507e-308"] {
        let answer = post(cluster.address, PATH, format!("{{\"ratio\":{number}}}")).await;
        assert!(answer.text().contains(&format!("\"ratio\":{number},")), "{number}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_reply_that_has_no_json_is_said_to_have_none() {
    let (cluster, _running) = started().await;
    for (bytes, sentence) in [
        // A duration of a second and of minus one nanosecond, and of more nanoseconds than a second has.
        (&b"\xfa\x01\x0d\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], "1 seconds and -1 nanoseconds"),
        (b"\xfa\x01\x06\x10\x80\x94\xeb\xdc\x03", "0 seconds and 1000000000 nanoseconds"),
        (b"\xf2\x01\x0d\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "are no google.protobuf.Timestamp"),
        (b"\x8a\x02\x07\x0a\x05x/y.Z", "the contract does not describe \"y.Z\""),
    ] {
        let body = serde_json::json!({ "data": STANDARD.encode(bytes) }).to_string();
        let problem = post(cluster.address, "/mapping.v1.Mapping/Data", body).await.problem(500);
        assert!(problem.starts_with("the reply, a mapping.v1.Every, has no JSON: "), "{problem}");
        assert!(problem.contains(sentence), "{problem}");
    }
}

/// A message with so many of `google.protobuf.Any` within each other.
fn nested(depth: usize) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Any {
        #[prost(string, tag = "1")]
        url: String,
        #[prost(bytes = "bytes", tag = "2")]
        value: Bytes,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Every {
        #[prost(message, tag = "33")]
        any: Option<Any>,
    }
    let mut any = Any::default();
    for _ in 1..depth {
        let value = any.encode_to_vec().into();
        any = Any { url: "x/google.protobuf.Any".to_owned(), value };
    }
    Every { any: Some(any) }.encode_to_vec()
}

#[tokio::test]
async fn what_carries_itself_too_often_has_no_json() {
    let (cluster, _running) = started().await;
    let body = |depth| serde_json::json!({ "data": STANDARD.encode(nested(depth)) }).to_string();
    assert_eq!(post(cluster.address, "/mapping.v1.Mapping/Data", body(90)).await.status, 200);
    for depth in [120, 3_000] {
        let problem = post(cluster.address, "/mapping.v1.Mapping/Data", body(depth)).await.problem(500);
        assert!(problem.contains("more than 100 messages are within each other"), "{problem}");
    }
}

#[tokio::test]
async fn what_it_does_not_allow_is_named() {
    let (cluster, _running) = started().await;
    for (given, sentence) in REFUSED {
        let problem = post(cluster.address, PATH, given).await.problem(400);
        assert!(problem.contains(sentence), "{given}: {problem}");
    }
    let deep = |depth: usize| format!("{{\"value\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(post(cluster.address, PATH, deep(25)).await.status, 200);
    for depth in [90, 200] {
        let problem = post(cluster.address, PATH, deep(depth)).await.problem(400);
        assert!(problem.contains("more than 100 levels") || problem.contains("recursion limit"), "{problem}");
    }
}
