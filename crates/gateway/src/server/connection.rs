//! One connection.

use std::{convert::Infallible, pin::pin};

use http::{HeaderMap, HeaderValue, Request, header};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    alarm::Alarm,
    drained::Drained,
    http1_socket::Http1Socket,
    protocol::{Protocol, protocol},
    refusal::Refusals,
    socket::Socket,
    streams::{Pieces, Streams},
    unread::{Reading, Unread},
};
use crate::{
    exchange::check_host,
    gateway::Gateway,
    options::{GatewayOptions, HEADER_COUNT},
};

/// How many streams a client may reset before they are accepted; hyper's default, made explicit
/// (CVE-2023-44487, "rapid reset").
const PENDING_RESETS: usize = 20;
/// How many streams may be reset for a client's errors before the connection is closed; hyper's
/// default, made explicit (CVE-2025-8671, "made you reset").
const LOCAL_RESETS: usize = 1024;
/// How much of a body hyper reads away to keep the connection of a refused request: what one read brings.
const SMALL: u64 = 8192;

fn http1(options: &GatewayOptions) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // hyper wants at least 8 KiB for its buffer.
    let buffer = usize::try_from(options.header_bytes).unwrap_or(usize::MAX).max(8192);
    builder.timer(Alarm::default()).header_read_timeout(options.header_read_timeout).max_buf_size(buffer);
    // For its own limit hyper has room on the stack; for any other it allocates with each request.
    if options.header_count != HEADER_COUNT {
        builder.max_headers(options.header_count);
    }
    builder
}

fn http2(options: &GatewayOptions) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(Streams::new(options.write_timeout));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.max_concurrent_streams)
        .max_header_list_size(options.header_bytes)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS)
        .keep_alive_interval(options.keep_alive_interval)
        .keep_alive_timeout(options.keep_alive_timeout);
    builder
}

/// Serves a connection until it ends or is drained.
pub(super) async fn serve(gateway: Gateway, stream: TcpStream) {
    let options = &gateway.state.options;
    let spoken = tokio::select! {
        biased;
        spoken = timeout(options.header_read_timeout, protocol(&stream)) => spoken,
        () = lingered(&gateway) => return,
    };
    let Ok(Ok(Some(spoken))) = spoken else {
        return tracing::debug!("a client connected and did not say which protocol it speaks");
    };
    let socket = Socket::new(stream, options.write_timeout);
    let ended = match spoken {
        Protocol::Http1 => serve_http1(&gateway, socket).await,
        Protocol::Http2 => serve_http2(&gateway, socket).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A drained connection gets one more request answered, with `Connection: close`; one that is silent for too long is
/// closed. So is one whose request is refused before its body has been read: to read it all could take for ever.
async fn serve_http1(gateway: &Gateway, socket: Socket) -> hyper::Result<()> {
    let unread = Unread::default();
    let socket = Http1Socket::new(socket, unread.clone(), Refusals::new(&gateway.state.options));
    let service = service_fn(|request: Request<Incoming>| async {
        let (parts, body) = request.into_parts();
        let length = body.size_hint().upper();
        let body = Reading::new(body, &unread);
        let mut response = gateway.handle_checked(&parts, body, check_host).await;
        if gateway.state.is_draining() || (unread.is_given_up() && !is_small(&parts.headers, length)) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Infallible>(response)
    });
    let socket = TokioIo::new(socket);
    let mut connection = pin!(http1(&gateway.state.options).serve_connection(socket, service));
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = Drained::new(&gateway.state, lingered(gateway)) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Whether hyper can read a body away at once. One that its client holds back until it is asked for does not come.
fn is_small(headers: &HeaderMap, length: Option<u64>) -> bool {
    length.is_some_and(|length| length <= SMALL) && !headers.contains_key(header::EXPECT)
}

/// A drained connection is told so by a frame (GOAWAY), and ends when the requests that it has are answered.
async fn serve_http2(gateway: &Gateway, socket: Socket) -> hyper::Result<()> {
    let socket = TokioIo::new(socket);
    let served = gateway.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = served.clone();
        async move { Ok::<_, Infallible>(gateway.handle(request).await.map(Pieces::of)) }
    });
    let mut connection = pin!(http2(&gateway.state.options).serve_connection(socket, service));
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = Drained::new(&gateway.state, gateway.state.drained()) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Resolves a while after the gateway has been told to stop.
async fn lingered(gateway: &Gateway) {
    gateway.state.drained().await;
    sleep(gateway.state.options.linger).await;
}
