//! The greeter in a cluster: by its client, by HTTP, and by callers that speak JSON.

use std::time::Duration;

use greeter::{
    Greeter,
    contract::{GreeterClient, HelloReply, HelloRequest, HelloStreamRequest},
};
use serde_json::{Value, json};
use skyloom::{Channel, Client, Code, Codec, client::Request};
use skyloom_testing::{Cluster, TestCluster};
use tokio::time::Instant;

async fn start() -> Cluster {
    TestCluster::new().with(Greeter).start().await
}

fn hello(name: &str) -> HelloRequest {
    HelloRequest { name: name.to_owned() }
}

#[tokio::test]
async fn everybody_with_a_name_is_greeted() {
    let cluster = start().await;
    let client = cluster.client::<GreeterClient>();
    assert_eq!(client.hello(hello("Ada")).await.unwrap().text, "Hello, Ada!");
    for (name, reason) in [("", "name is missing"), (&*"x".repeat(101), "name has 101 characters")] {
        let status = client.hello(hello(name)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(reason), "{status}");
    }
    assert_eq!(cluster.calls(GreeterClient::HELLO)[0].reply(), Some(HelloReply { text: "Hello, Ada!".to_owned() }));
}

#[tokio::test]
async fn a_name_in_a_path_is_a_name_or_a_mistake() {
    let cluster = start().await;
    for (name, greeting) in [
        ("..%2F..%2Fetc%2Fpasswd", "Hello, ../../etc/passwd!"),
        ("Zo%C3%AB%20%F0%9F%98%80", "Hello, Zoë 😀!"),
        (&*"%C3%AB".repeat(100), &*format!("Hello, {}!", "ë".repeat(100))),
    ] {
        let response = cluster.http().get(format!("/v1/hello/{name}")).await;
        assert_eq!(response.assert_status(200).json::<Value>()["text"], *greeting);
    }
    let control = "name has control characters in it, such as a line break: leave them out";
    let missing = "name is missing: say who is to be greeted";
    for (name, detail) in [
        ("%00", control),
        ("a%0d%0ab", control),
        ("Ada%07", control),
        ("%C2%85Ada", control),
        ("%20", missing),
        ("%E3%80%80%09", missing),
        (&*"x".repeat(300), "name has 300 characters; at most 100 are greeted"),
    ] {
        for path in [format!("/v1/hello/{name}"), format!("/v1/hello/{name}/stream")] {
            let response = cluster.http().get(&path).await;
            let problem = response.assert_status(400).json::<Value>();
            assert_eq!((&problem["code"], &problem["detail"]), (&json!("INVALID_ARGUMENT"), &json!(detail)), "{path}");
        }
    }
}

#[tokio::test]
async fn rest_reaches_it() {
    let cluster = start().await;
    let response = cluster.http().get("/v1/hello/Ada").await;
    assert_eq!(response.assert_status(200).json::<Value>(), json!({ "text": "Hello, Ada!" }));
    let response = cluster.http().post("/greeter.v1.Greeter/Hello").json(&json!({ "nmae": "Ada" })).await;
    assert!(response.assert_status(400).text().contains("did you mean \\\"name\\\""), "{response:?}");
}

#[tokio::test(start_paused = true)]
async fn greetings_come_with_pauses() {
    let cluster = start().await;
    let request = HelloStreamRequest { name: "Ada".to_owned(), times: 2, pause_ms: 10_000 };
    let mut greetings = cluster.client::<GreeterClient>().hello_stream(request).await.unwrap();
    let start = Instant::now();
    assert_eq!(greetings.next().await.unwrap().unwrap().text, "Hello, Ada! (1 of 2)");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(greetings.next().await.unwrap().unwrap().text, "Hello, Ada! (2 of 2)");
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(greetings.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn greetings_have_bounds() {
    let cluster = start().await;
    for (times, pause_ms) in [(1_001, 0), (1, 10_001)] {
        let request = HelloStreamRequest { name: "Ada".to_owned(), times, pause_ms };
        let status = cluster.client::<GreeterClient>().hello_stream(request).await.unwrap_err();
        assert_eq!(status.message(), "times is at most 1000 and pause_ms at most 10000");
    }
}

#[tokio::test]
async fn a_caller_that_speaks_json_is_answered_with_json() {
    let cluster = start().await;
    let client = cluster.client::<Client>();
    let request = |method: &str, body: Value| {
        let queue: Channel = "greeter.v1".parse().unwrap();
        Request::new(queue, method.to_owned(), Codec::Json, body.to_string().into())
    };
    let reply = client.call(request("Hello", json!({ "name": "Ada" }))).await.unwrap();
    assert_eq!((reply.codec, &reply.payload[..]), (Codec::Json, &br#"{"text":"Hello, Ada!"}"#[..]));

    let mut stream = client.stream(request("HelloStream", json!({ "name": "Ada", "times": 2 }))).await.unwrap();
    for text in ["Hello, Ada! (1 of 2)", "Hello, Ada! (2 of 2)"] {
        let reply = stream.next().await.unwrap().unwrap();
        assert_eq!(reply.payload, format!(r#"{{"text":"{text}"}}"#));
    }

    let typo = client.call(request("Hello", json!({ "nmae": "Ada" }))).await.unwrap_err();
    assert_eq!(typo.code(), Code::InvalidArgument);
    assert!(typo.message().contains("did you mean \"name\""), "{typo}");
    assert_eq!(cluster.calls(GreeterClient::HELLO)[0].request(), hello("Ada"), "the same request in either encoding");
}
