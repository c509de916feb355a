//! Callers that speak JSON, as programs in other languages do, are served like those that speak protobuf.

use greeter::{Greeter, contract::GreeterClient, contract::HelloRequest};
use skyloom::{App, Channel, Code, Codec, Connection, client::Request};

fn request(method: &str, json: &str) -> Request {
    let channel: Channel = "greeter.v1".parse().expect("a queue");
    Request::new(channel, method.to_owned(), Codec::Json, json.to_owned().into())
}

#[tokio::test]
async fn json_is_answered_with_json() {
    let connection = Connection::memory();
    let running = App::new().serve(Greeter).start(&connection).await.expect("it starts");
    let client = connection.client();

    let reply = client.call(request("Hello", r#"{"name":"Ada"}"#)).await.expect("a reply");
    assert_eq!((reply.codec, &reply.payload[..]), (Codec::Json, &br#"{"text":"Hello, Ada!"}"#[..]));

    let mut stream = client.stream(request("HelloStream", r#"{"name":"Ada","times":2}"#)).await.expect("a stream");
    for text in ["Hello, Ada! (1 of 2)", "Hello, Ada! (2 of 2)"] {
        let reply = stream.next().await.expect("one more").expect("a message");
        assert_eq!(reply.payload, format!(r#"{{"text":"{text}"}}"#));
    }

    let typo = client.call(request("Hello", r#"{"nmae":"Ada"}"#)).await.expect_err("there is no such field");
    assert_eq!(typo.code(), Code::InvalidArgument);
    assert!(typo.message().contains("did you mean \"name\""), "{typo}");

    let request = HelloRequest { name: "Ada".to_owned() };
    assert_eq!(GreeterClient::new(client).hello(request).await.expect("a reply").text, "Hello, Ada!");
    running.drain().await;
}
