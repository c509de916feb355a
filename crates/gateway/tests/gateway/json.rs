//! `POST /{package.Service}/{Method}` and code-first services.

use prost::Message as _;
use serde_json::json;

use super::{
    cluster::Cluster,
    http1::{get, post, send},
    library::Book,
};

#[tokio::test]
async fn json_and_protobuf_are_answered_in_kind() {
    let cluster = Cluster::start().await;
    let path = "/library.v1.Library/Create";
    let answer = post(cluster.address, path, r#"{"title":"T"}"#).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["title"], "T");

    let book = Book { title: "T".into(), copies: 5, ..Book::default() };
    for content_type in ["application/proto", "application/x-protobuf"] {
        let headers = format!("Content-Type: {content_type}\r\n");
        let answer = send(cluster.address, "POST", path, &headers, &book.encode_to_vec()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/proto"));
        assert_eq!(Book::decode(answer.body.as_slice()).unwrap(), book);
    }
    let headers = "Content-Type: application/proto\r\n";
    let problem = send(cluster.address, "POST", path, headers, b"\xff\xff").await.problem(400);
    assert!(problem.contains("protobuf"), "{problem}");
}

#[tokio::test]
async fn json_passes_to_code_first_services() {
    let cluster = Cluster::start().await;
    let note = json!({"topic": "t", "text": "x", "stars": 2});
    let answer = post(cluster.address, "/notes.v1.Notes/Add", note.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, note.clone()));
    assert_eq!(post(cluster.address, "/v1/notes", note.to_string()).await.json(), note);
    // The path goes before the body.
    let answer = post(cluster.address, "/v1/notes/other", note.to_string()).await;
    assert_eq!(answer.json(), json!({"topic": "other", "text": "x", "stars": 2}));
    let answer = post(cluster.address, "/v1/notes/other", r#"{"text":"x"}"#).await;
    assert_eq!(answer.json()["topic"], "other");
    let answer = get(cluster.address, "/v1/notes/7?limit=5&words=a&words=b").await;
    assert_eq!(answer.json(), json!({"topic": "7", "limit": 5, "words": ["a", "b"]}));
}

#[tokio::test]
async fn code_first_mistakes_are_named() {
    let cluster = Cluster::start().await;
    for (body, sentence) in [
        (r#"{"topic":"t"}"#, "missing field `text`"),
        (
            r#"{"topic":"t","text":5}"#,
            "field \"text\" is not as expected: invalid type: integer `5`, expected a string",
        ),
        (r#"{"topic":"t","txt":"x"}"#, "there is no field \"txt\"; did you mean \"text\"?"),
        (
            r#"{"topic":"t","text":"x","copies":0}"#,
            "field \"copies\" is not as expected: invalid value: integer `0`, expected a nonzero u32",
        ),
        ("[1]", "expected an object, a Note"),
        ("nope", "the body is not JSON"),
    ] {
        let problem = post(cluster.address, "/notes.v1.Notes/Add", body).await.problem(400);
        assert!(problem.contains(sentence), "{body}: {problem}");
    }
    for limit in ["many", "-1", "4294967296", "1.5"] {
        let problem = get(cluster.address, &format!("/v1/notes/7?limit={limit}")).await.problem(400);
        assert_eq!(problem, format!("\"limit\" must be a whole number from 0 to 4294967295, not \"{limit}\""));
    }
    let headers = "Content-Type: application/proto\r\n";
    let problem = send(cluster.address, "POST", "/notes.v1.Notes/Add", headers, b"x").await.problem(415);
    assert_eq!(problem, "notes.v1.Notes/Add takes JSON, not protobuf");
}

#[tokio::test]
async fn a_caller_can_shorten_the_time() {
    let cluster = Cluster::start().await;
    let slow = |headers| send(cluster.address, "GET", "/v1/slow/200", headers, b"");
    assert_eq!(slow("").await.status, 200);
    let late = slow("Connect-Timeout-Ms: 50\r\n").await;
    late.problem(504);
    assert_eq!(late.json()["code"], "DEADLINE_EXCEEDED");
    // Without a header the method's own timeout holds.
    get(cluster.address, "/v1/slow/5000").await.problem(504);
    for absurd in ["0", "-5", "2s", "99999999999999999999", "1e3"] {
        let problem = send(cluster.address, "GET", "/v1/slow/1", &format!("Connect-Timeout-Ms: {absurd}\r\n"), b"")
            .await
            .problem(400);
        assert!(problem.contains("milliseconds from 1 to 3600000"), "{problem}");
    }
}

#[tokio::test]
async fn a_handlers_error_keeps_its_code_and_details() {
    let cluster = Cluster::start().await;
    for (code, status) in [(3, 400), (5, 404), (6, 409), (7, 403), (8, 429), (12, 501), (13, 500), (16, 401)] {
        let answer = get(cluster.address, &format!("/v1/fail/{code}")).await;
        assert_eq!(answer.problem(status), "as you \"wish\", 100%");
        assert_eq!(
            answer.json()["details"],
            json!([{"type": "type.googleapis.com/library.v1.Text", "value": "CgN3aHk="}])
        );
    }
    assert_eq!(get(cluster.address, "/v1/fail/8").await.header("retry-after"), "1");
}
