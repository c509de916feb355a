//! gRPC by a tonic client.

use http::uri::PathAndQuery;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use skyloom_gateway::GatewayOptions;
use tonic::{Code, Request, Status, Streaming, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use super::{
    cluster::Cluster,
    library::{Book, Text, stopped},
};

pub(crate) async fn client(cluster: &Cluster) -> Grpc<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", cluster.address)).unwrap();
    Grpc::new(endpoint.connect().await.unwrap())
}

pub(crate) async fn unary<Q, R>(
    client: &mut Grpc<Channel>,
    path: &'static str,
    request: Request<Q>,
) -> Result<tonic::Response<R>, Status>
where
    Q: prost::Message + Send + Sync + 'static,
    R: prost::Message + Default + Send + Sync + 'static,
{
    client.ready().await.unwrap();
    client.unary(request, PathAndQuery::from_static(path), ProstCodec::default()).await
}

async fn count(client: &mut Grpc<Channel>, request: Request<Text>) -> Result<tonic::Response<Streaming<Text>>, Status> {
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/library.v1.Library/Count");
    client.server_streaming(request, path, ProstCodec::default()).await
}

#[tokio::test]
async fn unary_calls_pass_with_their_metadata() {
    let cluster = Cluster::start().await;
    let mut client = client(&cluster).await;
    let book = Book { id: "7".into(), copies: 5, ..Book::default() };
    let reply = unary::<_, Book>(&mut client, "/library.v1.Library/Create", Request::new(book.clone())).await.unwrap();
    assert!(reply.metadata().contains_key("x-request-id"));
    assert_eq!(reply.into_inner(), book);

    let mut request = Request::new(Text::new("x-own"));
    request.metadata_mut().insert("x-own", "1".parse().unwrap());
    let reply = unary::<_, Text>(&mut client, "/library.v1.Library/Headers", request).await.unwrap();
    assert_eq!(reply.into_inner().text, "x-own=1");

    let reply =
        unary::<_, Text>(&mut client, "/library.v1.Library/Go", Request::new(Text::new("there"))).await.unwrap();
    assert_eq!(reply.metadata().get("location").unwrap(), "https://example.test/there");
}

#[tokio::test]
async fn errors_are_statuses_with_their_details() {
    let cluster = Cluster::start().await;
    let mut client = client(&cluster).await;
    let request = Request::new(Text { number: Some(9), ..Text::default() });
    let status = unary::<_, Text>(&mut client, "/library.v1.Library/Fail", request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "as you \"wish\", 100%"));
    let text = "type.googleapis.com/library.v1.Text";
    assert!(String::from_utf8_lossy(status.details()).contains(text), "{:?}", status.details());

    for (path, code, sentence) in [
        ("/library.v1.Library/Nope", Code::Unimplemented, "library.v1.Library has no method \"Nope\""),
        ("/library.v1.Libary/Create", Code::Unimplemented, "did you mean \"library.v1.Library\"?"),
        ("/notes.v1.Notes/Add", Code::Unimplemented, "notes.v1.Notes/Add takes JSON, which gRPC does not carry"),
    ] {
        let status = unary::<_, Text>(&mut client, path, Request::new(Text::default())).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(sentence), "{status:?}");
    }
}

#[tokio::test]
async fn a_long_message_costs_no_code() {
    let cluster = Cluster::start().await;
    let mut client = client(&cluster).await;
    let request = Request::new(Text { number: Some(9), text: "ë".repeat(10_000) });
    let status = unary::<_, Text>(&mut client, "/library.v1.Library/Fail", request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, &*"ë".repeat(682)));
}

/// A call whose timeout only the gateway keeps (a tonic client would give up by itself). Returns
/// the status and the message.
async fn with_timeout(cluster: &Cluster, timeout: &str) -> (u32, String) {
    let stream = tokio::net::TcpStream::connect(cluster.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let message = Text { number: Some(5000), ..Text::default() }.encode_to_vec();
    let body = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message.as_slice()].concat();
    let request = http::Request::post(format!("http://{}/library.v1.Library/Slow", cluster.address))
        .header("content-type", "application/grpc+proto")
        .header("grpc-timeout", timeout)
        .body(http_body_util::Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/grpc".parse().unwrap())
    );
    let text = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    (text("grpc-status").parse().unwrap(), text("grpc-message"))
}

#[tokio::test]
async fn deadlines_are_kept() {
    let cluster = Cluster::start().await;
    let (code, message) = with_timeout(&cluster, "50m").await;
    assert_eq!(code, 4, "{message}");
    let (code, message) = with_timeout(&cluster, "soon").await;
    assert_eq!(code, 3, "{message}");
    assert!(message.starts_with("the header grpc-timeout must be"), "{message}");
}

#[tokio::test]
async fn streams_pass_to_their_end() {
    let cluster = Cluster::start().await;
    let mut client = client(&cluster).await;
    let reply = count(&mut client, Request::new(Text { number: Some(3), ..Text::default() })).await.unwrap();
    assert_eq!(reply.metadata().get("x-counting").unwrap(), "yes");
    let mut stream = reply.into_inner();
    let mut numbers = Vec::new();
    while let Some(text) = stream.message().await.unwrap() {
        numbers.extend(text.number);
    }
    assert_eq!(numbers, [1, 2, 3]);

    let failing = Text { number: Some(1), text: "oops".into() };
    let mut stream = count(&mut client, Request::new(failing)).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().number, Some(1));
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "oops"));

    let status = count(&mut client, Request::new(Text::new("no"))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "not today"));
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_stops_the_worker() {
    let cluster = Cluster::start().await;
    let mut client = client(&cluster).await;
    let mut stream = count(&mut client, Request::new(Text::new("over gRPC"))).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().number, Some(1));
    drop(stream);
    stopped("over gRPC").await;
}

#[tokio::test]
async fn what_is_too_large_is_exhausted_and_what_is_gone_unavailable() {
    let mut cluster = Cluster::with(GatewayOptions { body_limit: 1000, ..GatewayOptions::default() }).await;
    let mut client = client(&cluster).await;
    let book = |length| Request::new(Book { title: "x".repeat(length), ..Book::default() });
    let path = "/library.v1.Library/Create";
    assert!(unary::<_, Book>(&mut client, path, book(900)).await.is_ok());
    let status = unary::<_, Book>(&mut client, path, book(1000)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(status.message(), "the message is larger than 1000 bytes, the most that is allowed");
    cluster.services.take().unwrap().drain().await;
    cluster.settle(|status| status == 503, "/v1/books").await;
    let status = unary::<_, Book>(&mut client, path, book(1)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}
