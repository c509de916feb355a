//! REST by `google.api.http` rules.

use serde_json::json;

use super::{
    cluster::Cluster,
    http1::{get, post, send},
};

#[tokio::test]
async fn a_body_becomes_a_message_and_its_reply_is_whole() {
    let cluster = Cluster::start().await;
    let answer = post(cluster.address, "/v1/books", r#"{"id":"7","pages":3,"copies":"9"}"#).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    // Fields at their default are there, 64-bit numbers are strings, as protobuf's JSON has them.
    let expected = json!({"id": "7", "title": "", "pages": 3, "tags": [], "copies": "9"});
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("x-request-id").len(), 36);
    assert_eq!(post(cluster.address, "/v1/books", "").await.json()["id"], "");
}

#[tokio::test]
async fn paths_bind_fields() {
    let cluster = Cluster::start().await;
    for (path, expected) in [
        ("/v1/files/a/b%2Fc%20d", "a/b%2Fc d"),
        ("/v1/files", ""),
        ("/v1/files/%E2%82%AC", "€"),
        ("/v1/files/../x", "../x"),
    ] {
        assert_eq!(get(cluster.address, path).await.json()["text"], expected, "{path}");
    }
    let answer = post(cluster.address, "/v1/shelves/shelf/9/books", r#"{"title":"T"}"#).await;
    assert_eq!((answer.json()["id"].clone(), answer.json()["title"].clone()), (json!("shelf/9"), json!("T")));
    let answer = send(cluster.address, "POST", "/v1/books/a%2Fb:archive", "", b"").await;
    assert_eq!(answer.json()["title"], "The a/b");
}

#[tokio::test]
async fn queries_bind_the_rest() {
    let cluster = Cluster::start().await;
    let query = "page=2&tags=a&tags=b+c&exact=true&sort=SORT_TITLE&filter.author=Ada&since=1970-01-01T00:00:05Z";
    let text = get(cluster.address, &format!("/v1/books?{query}")).await.json()["text"].as_str().unwrap().to_owned();
    let expected = "SearchRequest { page: 2, tags: [\"a\", \"b c\"], exact: true, sort: 1, \
                    filter: Some(Filter { author: \"Ada\" }), since: Some(Timestamp { seconds: 5 }) }";
    assert_eq!(text, expected);
    for (query, sentence) in [
        ("pge=2", "there is no field \"pge\" in library.v1.SearchRequest; did you mean \"page\"?"),
        ("filter.autor=x", "there is no field \"filter.autor\" in library.v1.Filter; did you mean \"author\"?"),
        ("page=two", "\"page\" must be a whole number of 32 bits, not \"two\""),
        ("page=3000000000", "\"page\" must be a whole number of 32 bits, not \"3000000000\""),
        ("exact=yes", "\"exact\" must be true or false, not \"yes\""),
        ("sort=UP", "\"sort\" must be one of SORT_UNSPECIFIED, SORT_TITLE, not \"UP\""),
        ("filter=x", "\"filter\" must be sent in the body, since it is a library.v1.Filter, not \"x\""),
        ("since=now", "\"since\" must be a time such as 2026-01-31T12:00:00Z, not \"now\""),
        ("page.x=1", "\"page\" in \"page.x\" is no message and has no fields of its own"),
        ("page=%zz", "the query is malformed: a % that is not followed by two hexadecimal digits"),
    ] {
        let problem = get(cluster.address, &format!("/v1/books?{query}")).await.problem(400);
        assert!(problem.starts_with(sentence), "{query}: {problem}");
    }
}

#[tokio::test]
async fn what_has_one_value_is_given_once_however_it_is_spelled() {
    let cluster = Cluster::start().await;
    let answer = get(cluster.address, "/v1/asked/Ada/7?reasons=a&reasons=b").await;
    let text = answer.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains(r#"asked_by: "Ada", ticket: Some("7")"#) && text.contains(r#"["a", "b"]"#), "{text}");
    for (path, sentence) in [
        ("/v1/asked/Ada/7?asked_by=Bob", "the query may not set \"asked_by\": it comes from the path"),
        ("/v1/asked/Ada/7?askedBy=Bob", "the query may not set \"askedBy\": it comes from the path"),
        ("/v1/asked/Ada/7?force=true&askedBy=Bob", "the query may not set \"askedBy\": it comes from the path"),
        ("/v1/asked/Ada/7?letter=x", "\"ticket\" cannot be given beside \"letter\": of these one alone can be set"),
        ("/v1/books?page=1&page=2", "the query may not set \"page\": it is given twice, and has one value"),
        ("/v1/files/a?number=1&number=2", "the query may not set \"number\": it is given twice, and has one value"),
        ("/v1/notes/7?limit=5&limit=6", "the query may not set \"limit\": it is given twice, and has one value"),
    ] {
        assert_eq!(get(cluster.address, path).await.problem(400), sentence, "{path}");
    }
    let deep = get(cluster.address, &format!("/v1/books?filter{}=x", ".a".repeat(3_000))).await.problem(400);
    assert_eq!(deep, "the name of one of the query's parameters has more than 100 parts");
    let put = send(cluster.address, "PUT", "/v1/asked?askedBy=Bob", "", b"\"Eve\"").await;
    assert_eq!(put.problem(400), "the query may not set \"askedBy\": it is the body");
    let both = post(cluster.address, "/v1/asked/7", r#"{"letter":"x"}"#).await;
    assert_eq!(both.problem(400), "\"ticket\" cannot be given beside \"letter\": of these one alone can be set");
}

#[tokio::test]
async fn a_field_can_be_the_body() {
    let cluster = Cluster::start().await;
    let patch = |path, body: &'static str| send(cluster.address, "PATCH", path, "", body.as_bytes());
    let answer = patch("/v1/books/7?force=true", r#"{"title":"T"}"#).await;
    let text = answer.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("id: \"7\", title: \"T\"") && text.contains("force: true"), "{text}");
    let answer = post(cluster.address, "/v1/books/7/reasons", r#"["old","worn"]"#).await;
    assert!(answer.text().contains(r#"reasons: [\"old\", \"worn\"]"#), "{}", answer.text());

    for (path, body, sentence) in [
        ("/v1/books/7?book.title=x", "{}", "the query may not set \"book.title\": it is the body"),
        ("/v1/books/7?book.id=8", "{}", "the query may not set \"book.id\": it comes from the path"),
        ("/v1/books/7", r#"{"titel":"x"}"#, "there is no field \"titel\" in library.v1.Book; did you mean \"title\"?"),
    ] {
        assert_eq!(patch(path, body).await.problem(400), sentence);
    }
    for (body, sentence) in [
        (
            "[\"old\",\n 5]",
            "field \"[1]\" is not as expected: invalid type: integer `5`, expected a string at line 2 column 2",
        ),
        (r#"["old"],"force":true"#, "the body is not JSON: trailing characters at line 1 column 8"),
    ] {
        assert_eq!(post(cluster.address, "/v1/books/7/reasons", body).await.problem(400), sentence);
    }
}

#[tokio::test]
async fn a_field_can_be_the_response() {
    let cluster = Cluster::start().await;
    assert_eq!(get(cluster.address, "/v1/books/x/title").await.text(), "\"The x\"");
    assert_eq!(get(cluster.address, "/v1/books/x/copies").await.text(), "\"7\"");
    assert_eq!(get(cluster.address, "/v1/notes/a/words?words=x&words=y").await.text(), "[\"x\",\"y\"]");
}

#[tokio::test]
async fn raw_bytes_pass_in_and_out() {
    let cluster = Cluster::start().await;
    let cover = get(cluster.address, "/v1/covers/x").await;
    assert_eq!((cover.header("content-type"), cover.body.as_slice()), ("image/png", &b"\x89PNG\0\xff"[..]));
    let put = send(cluster.address, "PUT", "/v1/covers/x", "Content-Type: image/gif\r\n", b"GIF\xff").await;
    assert_eq!(put.json()["text"], "x image/gif b\"GIF\\xff\"");
    let page = send(cluster.address, "POST", "/v1/pages", "Content-Type: text/html\r\n", b"<p>").await;
    assert_eq!((page.header("content-type"), page.text()), ("text/plain", "text/html: 3 bytes"));
    let page = send(cluster.address, "POST", "/library.v1.Library/Page", "Content-Type: a/b\r\n", b"<p>").await;
    assert_eq!(page.text(), "a/b: 3 bytes");
}

#[tokio::test]
async fn handlers_set_status_and_headers_but_not_the_framing() {
    let cluster = Cluster::start().await;
    let answer = get(cluster.address, "/go/there").await;
    assert_eq!((answer.status, answer.header("location")), (302, "https://example.test/there"));
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("x-split"), "{answer:?}");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
}

#[tokio::test]
async fn handlers_see_headers_but_no_claimed_identity() {
    let cluster = Cluster::start().await;
    let see = async |prefix: &str, headers: &str| {
        let path = format!("/v1/headers/{prefix}");
        send(cluster.address, "GET", &path, headers, b"").await.json()["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(see("authorization", "Authorization: Bearer x\r\n").await, "authorization=Bearer x");
    assert_eq!(see("host", "").await, "host=gateway.test");
    assert_eq!(see("x-request-id", "X-Request-Id: my-1\r\n").await, "x-request-id=my-1");
    assert_eq!(see("principal", "Principal: root\r\nX-Skyloom-Principal: root\r\n").await, "");
    assert_eq!(see("x-skyloom", "X-Skyloom-Principal: root\r\n").await, "");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(see("trace", &format!("traceparent: {parent}\r\n")).await, parent);
    assert!(see("trace", "traceparent: nonsense\r\n").await.starts_with("00-"));
}

#[tokio::test]
async fn head_and_options_follow_the_routes() {
    let cluster = Cluster::start().await;
    let head = send(cluster.address, "HEAD", "/v1/covers/x", "", b"").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "6", 0));
    let options = send(cluster.address, "OPTIONS", "/v1/books", "", b"").await;
    assert_eq!((options.status, options.header("allow")), (204, "POST, GET, HEAD, OPTIONS"));
    let options = send(cluster.address, "OPTIONS", "/library.v1.Library/Create", "", b"").await;
    assert_eq!((options.status, options.header("allow")), (204, "POST, OPTIONS"));
    assert_eq!(send(cluster.address, "OPTIONS", "/nowhere", "", b"").await.status, 404);
    let options = send(cluster.address, "OPTIONS", "*", "", b"").await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"));
    assert_eq!(get(cluster.address, "*").await.problem(404), "there is nothing at \"*\"");
}
