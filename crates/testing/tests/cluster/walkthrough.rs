//! What the README tells a newcomer to do, done.

use std::{net::TcpListener, path::Path};

use greeter::contract::{HelloReply, HelloRequest, HelloStreamRequest};
use serde_json::Value;
use tonic::{Code, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use crate::{
    cluster::{Cluster, said, script},
    kit::{Process, eventually, free_port, http},
};

/// What curl does. Returns the code of a link.
pub(crate) fn rest(port: u16) -> String {
    let http = |line: &str, body| http(port, line, body);
    let hello = http("GET /v1/hello/Ada", None);
    assert_eq!((hello.status, &hello.json()["text"]), (200, &Value::from("Hello, Ada!")));
    for (name, status) in [("..%2FAda", 200), ("%00", 400), ("a%0d%0ab", 400), (&*"x".repeat(300), 400)] {
        let answer = http(&format!("GET /v1/hello/{name}"), None);
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    let connect = http("POST /greeter.v1.Greeter/Hello", Some(r#"{"name":"Ada"}"#));
    assert_eq!((connect.status, &connect.json()["text"]), (200, &Value::from("Hello, Ada!")));

    let link = http("POST /v1/links", Some(r#"{"url":"https://www.rust-lang.org/learn"}"#));
    assert_eq!(link.status, 200, "{}", link.text());
    let code = link.json()["code"].as_str().unwrap().to_owned();
    let followed = http(&format!("GET /l/{code}"), None);
    assert_eq!((followed.status, followed.header("location")), (302, Some("https://www.rust-lang.org/learn")));
    let stats = http(&format!("GET /v1/links/{code}"), None);
    assert_eq!(stats.json()["visits"], "1", "protobuf's JSON writes 64-bit numbers as strings");

    let picture = http(&format!("GET /v1/links/{code}/qr"), None);
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    assert_eq!(scan(&picture.body), link.json()["shortUrl"].as_str().unwrap());

    let wrong = http("POST /v1/links", Some(r#"{"url":"no url"}"#));
    assert_eq!((wrong.status, wrong.header("content-type")), (400, Some("application/problem+json")));
    assert!(wrong.json()["detail"].as_str().unwrap().contains("no url"), "{}", wrong.text());
    assert_eq!(http("GET /v1/nothing", None).status, 404);
    code
}

/// What the QR code of a PNG says.
fn scan(picture: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height, line) = (info.width as usize, info.height as usize, info.line_size);
    let grey = |x: usize, y: usize| if pixels[y * line + x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    image.detect_grids()[0].decode().unwrap().1
}

/// What a gRPC client does.
pub(crate) async fn grpc(cluster: &Cluster) {
    let channel = Channel::from_shared(format!("http://127.0.0.1:{}", cluster.port)).unwrap().connect().await.unwrap();
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = "/greeter.v1.Greeter/Hello".parse().unwrap();
    let codec = || ProstCodec::<HelloRequest, HelloReply>::default();
    let request = tonic::Request::new(HelloRequest { name: "Ada".to_owned() });
    let reply = client.unary(request, path, codec()).await.unwrap();
    assert_eq!(reply.into_inner().text, "Hello, Ada!");

    client.ready().await.unwrap();
    let path = "/greeter.v1.Greeter/HelloStream".parse().unwrap();
    let request = HelloStreamRequest { name: "Ada".to_owned(), times: 5, pause_ms: 1 };
    let codec_of_stream = ProstCodec::<HelloStreamRequest, HelloReply>::default();
    let stream = client.server_streaming(tonic::Request::new(request), path, codec_of_stream).await.unwrap();
    let mut stream = stream.into_inner();
    let mut texts = Vec::new();
    while let Some(reply) = stream.message().await.unwrap() {
        texts.push(reply.text);
    }
    assert_eq!(texts.len(), 5);
    assert_eq!(texts[4], "Hello, Ada! (5 of 5)");

    client.ready().await.unwrap();
    let path = "/greeter.v1.Greeter/Hello".parse().unwrap();
    let status = client.unary(tonic::Request::new(HelloRequest::default()), path, codec()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("name is missing"), "{status}");
}

/// What an operator does with `sky`; two of `qr` run and one of each other.
pub(crate) fn operator(cluster: &Cluster) {
    let reply = cluster.sky_json(&["call", "greeter.v1.Greeter/Hello", r#"{"name":"Ada"}"#]);
    assert_eq!(reply["text"], "Hello, Ada!");
    let services = cluster.sky_json(&["services", "--json"]);
    let names: Vec<&str> = services.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["audit.v1.Audit", "greeter.v1.Greeter", "links.v1.Links", "qr.v1.Qr"]);
    let instances = cluster.sky_json(&["instances", "--json"]);
    assert_eq!(instances.as_array().unwrap().len(), 5, "two of qr, one of each other");
    let queues = said(&cluster.sky(&["queues"]));
    assert!(queues.contains("greeter.v1") && queues.contains("links.visited/audit"), "{queues}");
    let pings = cluster.sky_json(&["ping", "--json"]);
    assert_eq!(pings.as_array().unwrap().len(), 5);
    let unknown = cluster.sky(&["call", "greter.v1.Greeter/Hello", "{}"]);
    assert!(!unknown.status.success());
    assert!(said(&unknown).contains("greeter.v1.Greeter"), "{}", said(&unknown));
}

/// Waits until the event of a visit has come to the audit.
pub(crate) async fn audited(port: u16, code: &str) {
    eventually("the audit has heard of the visit", || async {
        http(port, "GET /v1/audit", None).json()["links"][0]["code"] == *code
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomers_first_ten_minutes() {
    let cluster = Cluster::up(&["--scale", "qr=2"]);
    let code = rest(cluster.port);
    grpc(&cluster).await;
    operator(&cluster);
    audited(cluster.port, &code).await;

    let again = cluster.script(&["up"]);
    assert!(!again.status.success() && said(&again).contains("running already"), "{}", said(&again));
    let status = cluster.script(&["status"]);
    assert!(status.status.success() && said(&status).contains("qr.v1"), "{}", said(&status));
    let logs = cluster.script(&["logs", "qr"]);
    assert!(logs.status.success() && said(&logs).contains("serving qr.v1.Qr"), "{}", said(&logs));

    assert_eq!(cluster.processes().len(), 8, "sky, the broker, the gateway and five services");
    let work = cluster.sky(&["cast", "greeter.v1.Greeter/Hello", r#"{"name":"Ada"}"#, "--delay", "1h"]);
    assert!(work.status.success(), "{}", said(&work));
    let socket = cluster.broker().trim_start_matches("unix:").to_owned();
    assert!(Path::new(&socket).exists());
    let down = cluster.script(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(cluster.processes(), [] as [i32; 0], "nothing is left behind");
    assert!(!Path::new(&socket).exists(), "the socket is left behind");
    assert!(std::net::TcpStream::connect(("127.0.0.1", cluster.port)).is_err(), "the gateway is left behind");

    cluster.again();
    let queues = cluster.sky_json(&["queues", "--json"]);
    let greeter = queues.as_array().unwrap().iter().find(|row| row["channel"] == "greeter.v1").expect("its queue");
    assert_eq!(greeter["delayed"], 1, "what waited is there again: {greeter}");
}

#[tokio::test]
async fn what_a_killed_sky_has_started_ends_with_it() {
    let cluster = Cluster::up(&[]);
    let sky = rustix::process::Pid::from_raw(cluster.pid()).unwrap();
    rustix::process::kill_process(sky, rustix::process::Signal::KILL).unwrap();
    let gone = || async { !Path::new(&format!("/proc/{}", cluster.pid())).exists() };
    eventually("it is gone", gone).await;
    let down = cluster.script(&["down"]);
    assert!(down.status.success() && said(&down).contains("not running"), "{}", said(&down));
    assert_eq!(cluster.processes(), [] as [i32; 0], "down waits until they have ended");
    cluster.again();
    assert_eq!(http(cluster.port, "GET /v1/hello/Ada", None).status, 200);
}

#[tokio::test]
async fn the_same_services_in_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut process = Process::start("onebox", &["--listen", &address], &[], directory.path());
    eventually("it listens", || async { std::net::TcpStream::connect(&address).is_ok() }).await;
    let code = rest(port);
    audited(port, &code).await;
    process.terminated().await;
}

#[test]
fn a_taken_port_is_said_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = tempfile::tempdir().unwrap();
    let output = script(run.path(), &["up", "--port", &port]);
    assert!(!output.status.success());
    assert!(said(&output).contains(&port), "{}", said(&output));
    assert!(!run.path().join("cluster.pid").exists());
}

#[test]
fn mistyped_options_are_said() {
    let run = tempfile::tempdir().unwrap();
    for (arguments, sentence) in [
        (&["up", "--prot", "1"][..], "unknown option '--prot'"),
        (&["up", "--port", "x"], "--port x is no port"),
        (&["up", "--port", "70000"], "--port 70000 is no port"),
        (&["status"], "the cluster is not running"),
        (&["logs"], "there are no logs"),
    ] {
        let output = script(run.path(), arguments);
        assert!(!output.status.success());
        assert!(said(&output).contains(sentence), "{}", said(&output));
    }
}
