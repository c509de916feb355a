//! HTTP through the gateway, beside a bare hyper that answers a constant.

use std::{convert::Infallible, net::SocketAddr};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use skyloom::{App, Connection};
use skyloom_gateway::{Gateway, GatewayOptions};
use skyloom_testing::figures::{Process, Row, Target, in_turns, rates, ready};
use tokio::{net::TcpListener, runtime::Builder};

use super::{common::service::Bench, load};

async fn constant(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    // What was sent is read, as by any server that has a use for it.
    drop(request.into_body().collect().await);
    let body = load::text().to_string();
    let response = Response::new(Full::new(bytes::Bytes::from(body)));
    Ok(response)
}

/// The role of the bare hyper.
pub(crate) fn bare_hyper() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        ready(&listener.local_addr().expect("its address").to_string());
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(constant)));
        }
    });
}

async fn serve(connection: &Connection) {
    let gateway = Gateway::new(connection.client(), connection.registry.clone(), GatewayOptions::default());
    let bound = gateway.bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    ready(&bound.local_addr().to_string());
    bound.run(std::future::pending()).await;
}

/// The role of the gateway with the service in its own process.
pub(crate) fn one_process() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = Connection::memory();
        let _running = App::new().serve(Bench).start(&connection).await.expect("the service starts");
        serve(&connection).await;
    });
}

/// The role of the gateway as a process of its own.
pub(crate) fn gateway(socket: &str) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = skyloom::connect(socket).await.expect("the broker is there");
        serve(&connection).await;
    });
}

fn address(process: &Process) -> SocketAddr {
    process.told().parse().expect("an address")
}

pub(crate) fn rows() -> Vec<Row> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bare = Process::start("hyper", &[]);
    let directory = tempfile::tempdir().expect("a directory");
    let socket = format!("unix:{}", directory.path().join("broker.sock").display());
    let near = Process::start("one-process", &[]);
    let round = |process: &Process| runtime.block_on(load::round(address(process)));
    settle(&runtime, address(&near));
    let what = "HTTP through the gateway to an in-process service, 64 connections : bare hyper";
    let near = rates(what, Target::AtLeast(0.65), in_turns(|| round(&near), || round(&bare)));
    let _broker = Process::start("broker", &[&socket]);
    let _worker = Process::start("worker", &[&socket]);
    let far = Process::start("gateway", &[&socket]);
    settle(&runtime, address(&far));
    let what = "HTTP through gateway, broker and worker processes : bare hyper";
    let far = rates(what, Target::AtLeast(0.30), in_turns(|| round(&far), || round(&bare)));
    vec![near, far]
}

/// Waits until the gateway knows the service.
fn settle(runtime: &tokio::runtime::Runtime, gateway: SocketAddr) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    runtime.block_on(async {
        for _ in 0..200 {
            let mut stream = tokio::net::TcpStream::connect(gateway).await.expect("the gateway listens");
            stream.write_all(&load::request()).await.expect("the gateway reads");
            let mut buffer = Vec::new();
            stream.read_buf(&mut buffer).await.expect("the gateway answers");
            if buffer.starts_with(b"HTTP/1.1 200") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the gateway does not find the service");
    });
}
