//! Streams over HTTP/1.1.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{
    cluster::Cluster,
    http1::{get, post, request, send},
    library::stopped,
};

#[tokio::test]
async fn a_stream_is_a_line_for_each_message() {
    let cluster = Cluster::start().await;
    let expected = "{\"text\":\"\",\"number\":1}\n{\"text\":\"\",\"number\":2}\n";
    for answer in [
        get(cluster.address, "/v1/count/2").await,
        post(cluster.address, "/library.v1.Library/Count", "{\"number\":2}").await,
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"));
        assert_eq!(answer.header("x-counting"), "yes");
        assert_eq!(answer.text(), expected);
    }
    let notes = post(cluster.address, "/notes.v1.Notes/Tail", r#"{"topic":"t","words":["a","b"]}"#).await;
    let expected = "{\"topic\":\"t\",\"text\":\"a\",\"stars\":0}\n{\"topic\":\"t\",\"text\":\"b\",\"stars\":0}\n";
    assert_eq!(notes.text(), expected);
}

#[tokio::test]
async fn a_stream_that_fails_says_so_at_its_end() {
    let cluster = Cluster::start().await;
    let answer = get(cluster.address, "/v1/count/1?text=oops").await;
    let last: serde_json::Value = serde_json::from_str(answer.text().lines().last().unwrap()).unwrap();
    assert_eq!((&last["error"]["detail"], &last["error"]["code"]), (&"oops".into(), &"DATA_LOSS".into()));
    assert_eq!(last["error"]["request_id"], answer.header("x-request-id"));
    // One that fails before it starts is an ordinary error.
    assert_eq!(get(cluster.address, "/v1/count/1?text=no").await.problem(400), "not today");
    let headers = "Content-Type: application/proto\r\n";
    let path = "/library.v1.Library/Count";
    let problem = send(cluster.address, "POST", path, headers, b"").await.problem(415);
    assert_eq!(problem, "library.v1.Library/Count streams: send JSON, or use gRPC");
}

#[tokio::test]
async fn a_deadline_holds_for_the_whole_stream() {
    let cluster = Cluster::start().await;
    let path = "/library.v1.Library/Count";
    let answer = send(cluster.address, "POST", path, "Connect-Timeout-Ms: 150\r\n", b"{}").await;
    let last = answer.text().lines().last().unwrap().to_owned();
    assert!(answer.text().lines().count() > 2 && last.contains("DEADLINE_EXCEEDED"), "{last}");
}

#[tokio::test]
async fn raw_streams_are_joined() {
    let cluster = Cluster::start().await;
    let answer = get(cluster.address, "/v1/chunks").await;
    assert_eq!((answer.header("content-type"), answer.text()), ("text/csv", "a,b\n1,2\n"));
}

#[tokio::test]
async fn lines_come_at_once_and_a_client_that_leaves_stops_the_worker() {
    let cluster = Cluster::start().await;
    let mut stream = TcpStream::connect(cluster.address).await.unwrap();
    stream.write_all(&request("POST", "/library.v1.Library/Count", "", br#"{"text":"over HTTP"}"#)).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let second = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("\"number\":2") {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(Duration::from_secs(5), second).await.unwrap();
    drop(lines);
    stopped("over HTTP").await;
}
