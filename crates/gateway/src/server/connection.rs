//! One connection.

use std::convert::Infallible;

use http::Request;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use tokio::{net::TcpStream, time::timeout};

use super::{
    alarm::Alarm,
    protocol::{Protocol, protocol},
    socket::Socket,
};
use crate::{
    gateway::Gateway,
    options::{GatewayOptions, HEADER_COUNT},
};

/// How many streams a client may reset before they are accepted; hyper's default, made explicit
/// (CVE-2023-44487, "rapid reset").
const PENDING_RESETS: usize = 20;
/// How many streams may be reset for a client's errors before the connection is closed; hyper's
/// default, made explicit (CVE-2025-8671, "made you reset").
const LOCAL_RESETS: usize = 1024;

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

fn http2(options: &GatewayOptions) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
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
pub(super) async fn serve(gateway: Gateway, stream: TcpStream, watcher: Watcher) {
    let options = &gateway.state.options;
    let mut draining = gateway.state.draining();
    let spoken = tokio::select! {
        biased;
        spoken = timeout(options.header_read_timeout, protocol(&stream)) => spoken,
        _ = draining.wait_for(|draining| *draining) => return,
    };
    let Ok(Ok(Some(spoken))) = spoken else {
        return tracing::debug!("a client connected and did not say which protocol it speaks");
    };
    let socket = TokioIo::new(Socket::new(stream, options.write_timeout));
    let (http1, http2) = (http1(options), http2(options));
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = gateway.clone();
        async move { Ok::<_, Infallible>(gateway.handle(request).await) }
    });
    let ended = match spoken {
        Protocol::Http1 => watcher.watch(http1.serve_connection(socket, service)).await,
        Protocol::Http2 => watcher.watch(http2.serve_connection(socket, service)).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
