//! Requests that are wrong: each gets one sentence and the right code.

use std::time::Duration;

use skyloom_gateway::GatewayOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    cluster::Cluster,
    http1::{exchange, get, post, request, send},
};

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let cluster = Cluster::start().await;
    for (path, sentence) in [
        ("/nowhere", "there is nothing at \"/nowhere\""),
        ("/v1/books/", "there is nothing at \"/v1/books/\""),
        (
            "/library.v1.Libary/Create",
            "there is no service \"library.v1.Libary\"; did you mean \"library.v1.Library\"?",
        ),
        ("/library.v1.Library/Craete", "library.v1.Library has no method \"Craete\"; did you mean \"Create\"?"),
        ("/a.B/../../etc/passwd", "there is nothing at \"/a.B/../../etc/passwd\""),
        ("/x%0d%0aset-cookie:%20a=1", "there is nothing at \"/x%0d%0aset-cookie:%20a=1\""),
        ("/x.y/%00", "there is no service \"x.y\""),
    ] {
        assert_eq!(post(cluster.address, path, "{}").await.problem(404), sentence);
    }
    let long = format!("/{}", "x".repeat(300));
    assert!(get(cluster.address, &long).await.problem(404).len() < 200);
    let malformed = get(cluster.address, "/v1/files/%f").await.problem(400);
    assert!(malformed.starts_with("the path is malformed: a % that is not"), "{malformed}");
    let not_text = get(cluster.address, "/v1/files/%ff").await.problem(400);
    assert_eq!(not_text, "the path is malformed: not UTF-8 once its escapes are decoded");
}

#[tokio::test]
async fn a_method_that_is_not_allowed_says_which_are() {
    let cluster = Cluster::start().await;
    let answer = send(cluster.address, "DELETE", "/v1/books", "", b"").await;
    assert_eq!(answer.problem(405), "DELETE is not allowed here, only POST, GET, HEAD, OPTIONS");
    assert_eq!(answer.header("allow"), "POST, GET, HEAD, OPTIONS");
    let answer = get(cluster.address, "/library.v1.Library/Create").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST, OPTIONS"));
    assert_eq!(send(cluster.address, "BREW", "/v1/books", "", b"").await.status, 405);
    assert_eq!(send(cluster.address, "POST", "/healthz", "", b"").await.status, 405);
}

#[tokio::test]
async fn bodies_that_are_wrong_are_explained() {
    let cluster = Cluster::start().await;
    let deep = format!("{{\"tags\":{}", "[".repeat(10_000));
    for (body, sentence) in [
        (&b"{\"id\":"[..], "the body is not JSON: EOF while parsing a value at line 1 column 6"),
        (b"name=Ada", "the body is not JSON: expected ident at line 1 column 2"),
        (b"{\"id\":5}", "field \"id\" is not as expected: invalid type: integer `5`, expected a string"),
        (b"{\"pages\":3000000000}", "field \"pages\" is not as expected: "),
        (b"{\"titel\":\"x\"}", "there is no field \"titel\" in library.v1.Book; did you mean \"title\"?"),
        (b"[]", "the body is not as expected: invalid type: sequence"),
        (b"{\"id\":\"\xff\"}", "the body is not UTF-8: byte 7 is no part of a character"),
        (deep.as_bytes(), "the body is nested more than 100 levels deep"),
    ] {
        for path in ["/v1/books", "/library.v1.Library/Create"] {
            let problem = post(cluster.address, path, body).await.problem(400);
            assert!(problem.starts_with(sentence), "{problem}");
        }
    }
    let problem = send(cluster.address, "GET", "/v1/books", "", b"{}").await.problem(400);
    assert_eq!(problem, "library.v1.Library/Search takes no body here: use the path and the query");
    let problem = post(cluster.address, "/v1/books?id=7", "{}").await.problem(400);
    assert_eq!(problem, "the query may not set \"id\": everything but the path's variables belongs in the body");
}

#[tokio::test]
async fn types_that_are_not_understood_are_refused() {
    let cluster = Cluster::start().await;
    let with = |headers| send(cluster.address, "POST", "/v1/books", headers, b"{}");
    let problem = with("Content-Type: application/xml\r\n").await.problem(415);
    assert_eq!(problem, "\"application/xml\" is not understood: send application/json or application/proto");
    let problem = with("Content-Type: application/proto\r\n").await.problem(415);
    assert_eq!(problem, "this path takes JSON; protobuf goes to POST /library.v1.Library/Create");
    let problem = with("Content-Encoding: gzip\r\n").await.problem(415);
    assert_eq!(problem, "compressed bodies are not understood: send it as it is");
    let problem = with("Content-Type: application/grpc\r\n").await.problem(505);
    assert_eq!(problem, "gRPC needs HTTP/2: connect with prior knowledge");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let cluster = Cluster::with(GatewayOptions { body_limit: 1000, ..GatewayOptions::default() }).await;
    let sentence = "the body is larger than 1000 bytes, the most that is allowed";
    let body = format!("{{\"title\":\"{}\"}}", "x".repeat(1000));
    assert_eq!(post(cluster.address, "/v1/books", &body).await.problem(413), sentence);
    let chunked = "POST /v1/books HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    assert_eq!(exchange(cluster.address, chunked.as_bytes()).await.problem(413), sentence);
    let sentence = "the headers are larger than 16384 bytes together, or more than 100";
    let long = format!("X-Long: {}\r\n", "x".repeat(200_000));
    assert_eq!(send(cluster.address, "GET", "/healthz", &long, b"").await.problem(431), sentence);
    let many: String = (0..101).map(|index| format!("X-{index}: 1\r\n")).collect();
    assert_eq!(send(cluster.address, "GET", "/healthz", &many, b"").await.problem(431), sentence);
    assert_eq!(get(cluster.address, "/healthz").await.text(), "ok\n");
}

#[tokio::test]
async fn slow_and_silent_clients_are_cut_off() {
    let patience = Duration::from_millis(100);
    let options =
        GatewayOptions { header_read_timeout: patience, body_read_timeout: patience, ..GatewayOptions::default() };
    let cluster = Cluster::with(options).await;
    for beginning in ["", "PRI * HT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let mut stream = TcpStream::connect(cluster.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{beginning:?} holds its connection");
    }
    let mut half = request("POST", "/v1/books", "", b"{\"title\":\"T\"}");
    half.truncate(half.len() - 3);
    let problem = exchange(cluster.address, &half).await.problem(408);
    assert_eq!(problem, "the body did not arrive within 0.1 s");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let options = GatewayOptions { write_timeout: Duration::from_millis(200), ..GatewayOptions::default() };
    let cluster = Cluster::with(options).await;
    let (mut reader, mut writer) = TcpStream::connect(cluster.address).await.unwrap().into_split();
    let body = format!("{{\"title\":\"{}\"}}", "x".repeat(900_000));
    let head = format!("POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    let many = 40;
    let flood = tokio::spawn(async move {
        for _ in 0..many {
            if writer.write_all(head.as_bytes()).await.is_err() || writer.write_all(body.as_bytes()).await.is_err() {
                return true;
            }
        }
        false
    });
    let cut = tokio::time::timeout(Duration::from_secs(20), flood).await.unwrap().unwrap();
    assert!(cut, "the gateway keeps {many} responses for a client that does not read");
    drop(reader.read(&mut [0; 16]).await);
    assert_eq!(get(cluster.address, "/healthz").await.status, 200);
}

#[tokio::test]
async fn garbage_is_refused_and_the_gateway_keeps_serving() {
    let cluster = Cluster::start().await;
    let sentence = "the request is not HTTP/1.1: its first line or one of its headers is malformed, or its headers \
                    give it two lengths";
    for garbage in [
        &b"\0\x01\x02\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /v1/files/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nbad header: x\r\n\r\n",
        b"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
    ] {
        assert_eq!(exchange(cluster.address, garbage).await.problem(400), sentence);
    }
    // What follows a good request is told after its answer.
    let mut stream = TcpStream::connect(cluster.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 200 OK") && answers.contains(sentence), "{answers}");
    let mut stream = TcpStream::connect(cluster.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage garbage").await.unwrap();
    stream.shutdown().await.unwrap();
    drop(tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut Vec::new())).await.unwrap());
    assert_eq!(get(cluster.address, "/v1/books").await.status, 200);
}

#[tokio::test]
async fn a_host_is_named_once() {
    let cluster = Cluster::start().await;
    let ask = async |version: &str, hosts: &str| {
        let request = format!("GET /healthz HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        exchange(cluster.address, request.as_bytes()).await
    };
    assert_eq!(ask("1.1", "").await.problem(400), "the request has no header Host, which HTTP/1.1 wants");
    for version in ["1.1", "1.0"] {
        let twice = ask(version, "Host: a\r\nHost: a\r\n").await;
        assert_eq!(twice.problem(400), "the request has more than one header Host");
        assert_eq!(ask(version, "Host: a\r\n").await.status, 200);
    }
    assert_eq!(ask("1.0", "").await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_site_may_only_read() {
    let cluster = Cluster::start().await;
    let ask = |method: &'static str, path: &'static str, site: &str| {
        let headers = format!("Content-Type: text/plain\r\nOrigin: https://evil.test\r\nSec-Fetch-Site: {site}\r\n");
        let body: &[u8] = if method == "POST" { b"{\"title\":\"T\"}" } else { b"" };
        async move { send(cluster.address, method, path, &headers, body).await }
    };
    for path in ["/v1/books", "/library.v1.Library/Create", "/nowhere"] {
        let refused = ask("POST", path, "cross-site").await;
        let sentence = "a page of another site may only read here: the browser says Sec-Fetch-Site: cross-site";
        assert_eq!((refused.problem(403), &refused.json()["code"]), (sentence.to_owned(), &"PERMISSION_DENIED".into()));
    }
    assert_eq!(ask("PUT", "/v1/covers/x", "cross-site").await.status, 403);
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(ask("POST", "/v1/books", site).await.status, 200, "{site}");
    }
    assert_eq!(ask("GET", "/v1/books", "cross-site").await.status, 200);
    assert_eq!(ask("OPTIONS", "/v1/books", "cross-site").await.status, 204);
}
