//! What few contracts have, and few requests.

use std::{path::Path, sync::OnceLock};

use super::{
    cluster::Cluster,
    grpc,
    http1::{get, post, send},
};
use prost::Message;
use skyloom::{
    Context, HttpBody as Raw, Result, Status, Streaming,
    contract::{
        HttpBody::{Field, None as NoBody, Whole},
        HttpVerb::{Get, Post},
    },
    service::{Definition, Described, Method},
    worker::Running,
};
use skyloom_gateway::GatewayOptions;

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, tag = "1")]
    node_name: String,
    #[prost(message, optional, boxed, tag = "2")]
    child: Option<Box<Node>>,
    #[prost(message, optional, tag = "3")]
    raw_part: Option<Raw>,
    #[prost(bytes = "bytes", tag = "4")]
    raw_data: bytes::Bytes,
    #[prost(double, tag = "5")]
    ratio: f64,
    #[prost(oneof = "One", tags = "6, 7")]
    one: Option<One>,
    #[prost(float, tag = "8")]
    share: f32,
    #[prost(string, repeated, tag = "9")]
    tags: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum One {
    #[prost(string, tag = "6")]
    First(String),
    #[prost(string, tag = "7")]
    Second(String),
}

/// Answers with what it was given.
struct Odd;

fn descriptors() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto");
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
        protox::compile([own.join("odd.proto")], [own, shared]).unwrap().encode_to_vec()
    })
}

const NODE: &str = "odd.v1.Node";

impl Described for Odd {
    fn definition() -> Definition<Self> {
        let show = |_, _: Context, node: Node| async move { Ok::<Node, Status>(node) };
        let fine = |_, _: Context, _: Node| async move { Err::<Node, _>(Status::new(skyloom::Code::Ok, "fine")) };
        Definition::new("odd.v1.Odd", "odd.v1", 1)
            .descriptors(descriptors())
            .method(
                Method::new("Show", show)
                    .types(NODE, NODE)
                    .http(Get, "/v1/nodes/{node_name}", NoBody, "")
                    .http(Get, "/v1/seconds/{first}", NoBody, "")
                    .http(Post, "/v1/nodes/{node_name}", Whole, "")
                    .http(Post, "/v1/nodes/{node_name}/data", Field("raw_data".into()), ""),
            )
            .method(Method::new("Fine", fine).types(NODE, NODE).http(Get, "/v1/fine", NoBody, ""))
            .method(
                Method::new("Tail", tail)
                    .types(NODE, NODE)
                    .http(Get, "/v1/tail/{node_name}", NoBody, "node_name")
                    .http(Get, "/v1/raw/{node_name}", NoBody, "raw_part"),
            )
    }
}

async fn tail(_: std::sync::Arc<Odd>, _: Context, node: Node) -> Result<Streaming<Node>> {
    let part = |text: &str| Node { raw_part: Some(Raw::new("text/csv", text.to_owned())), ..node.clone() };
    Ok(Streaming::from_messages([part("a,b\n"), part("1,2\n")]))
}

async fn started() -> (Cluster, Running) {
    let cluster = Cluster::empty(GatewayOptions::default()).await;
    let running = cluster.serve(Odd).await;
    cluster.settle(|status| status == 200, "/v1/nodes/a").await;
    (cluster, running)
}

#[tokio::test]
async fn what_comes_from_the_path_or_the_body_is_not_the_querys_however_it_is_spelt() {
    let (cluster, _running) = started().await;
    let address = cluster.address;
    for name in ["node_name", "nodeName"] {
        let problem = get(address, &format!("/v1/nodes/a?{name}=b")).await.problem(400);
        assert_eq!(problem, format!("the query may not set {name:?}: it comes from the path"));
    }
    for name in ["raw_data", "rawData"] {
        let problem = post(address, &format!("/v1/nodes/a/data?{name}=YQ"), "\"YQ==\"").await.problem(400);
        assert_eq!(problem, format!("the query may not set {name:?}: it is the body"));
    }
    let problem = get(address, "/v1/seconds/1?second=2").await.problem(400);
    assert_eq!(problem, "\"first\" cannot be given beside \"second\": of these one alone can be set");
}

#[tokio::test]
async fn a_field_with_one_value_is_given_once() {
    let (cluster, _running) = started().await;
    for (query, name) in
        [("ratio=1&ratio=2", "ratio"), ("first=1&first=1", "first"), ("rawData=&raw_data=", "raw_data")]
    {
        let problem = get(cluster.address, &format!("/v1/nodes/a?{query}")).await.problem(400);
        assert_eq!(problem, format!("the query may not set {name:?}: it is given twice, and has one value"));
    }
    let many = get(cluster.address, "/v1/nodes/a?tags=x&tags=x&child.tags=y&child.tags=z").await.json();
    assert_eq!(
        (&many["tags"], &many["child"]["tags"]),
        (&serde_json::json!(["x", "x"]), &serde_json::json!(["y", "z"]))
    );
}

#[tokio::test]
async fn a_query_is_no_deeper_than_a_body() {
    let (cluster, _running) = started().await;
    let path = |parts: usize| format!("/v1/nodes/a?{}first=1", "child.".repeat(parts));
    assert_eq!(get(cluster.address, &path(50)).await.status, 200);
    let problem = get(cluster.address, &path(2600)).await.problem(400);
    assert_eq!(problem, "the name of one of the query's parameters has more than 100 parts");
}

#[tokio::test]
async fn texts_are_read_as_in_json() {
    let (cluster, _running) = started().await;
    for text in ["-_8", "-_8%3D", "%2B%2F8", "%2B%2F8%3D"] {
        assert_eq!(get(cluster.address, &format!("/v1/nodes/a?rawData={text}")).await.json()["rawData"], "+/8=");
    }
    for (query, sentence) in [
        ("ratio=1e999", "\"ratio\" must be a number, not \"1e999\""),
        ("share=1e39", "\"share\" must be a number, not \"1e39\""),
    ] {
        assert_eq!(get(cluster.address, &format!("/v1/nodes/a?{query}")).await.problem(400), sentence);
    }
    assert_eq!(get(cluster.address, "/v1/nodes/a?ratio=Infinity").await.json()["ratio"], "Infinity");
}

#[tokio::test]
async fn where_there_is_no_body_its_type_means_nothing() {
    let (cluster, _running) = started().await;
    assert_eq!(send(cluster.address, "GET", "/v1/nodes/a", "Content-Type: image/png\r\n", b"").await.status, 200);
}

#[tokio::test]
async fn of_a_stream_each_message_is_cut_to_the_field_that_the_rule_names() {
    let (cluster, _running) = started().await;
    assert_eq!(get(cluster.address, "/v1/tail/x").await.text(), "\"x\"\n\"x\"\n");
    let raw = get(cluster.address, "/v1/raw/x").await;
    assert_eq!((raw.header("content-type"), raw.text()), ("text/csv", "a,b\n1,2\n"));
}

#[tokio::test]
async fn an_error_is_never_a_success() {
    let (cluster, _running) = started().await;
    let answer = get(cluster.address, "/v1/fine").await;
    assert_eq!(answer.problem(500), "fine");
    assert_eq!(answer.json()["code"], "UNKNOWN");
    let mut client = grpc::client(&cluster).await;
    let call = tonic::Request::new(Node::default());
    let status = grpc::unary::<_, Node>(&mut client, "/odd.v1.Odd/Fine", call).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (tonic::Code::Unknown, "fine"));
}
