//! One connection.

use std::{convert::Infallible, sync::Arc};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::Watcher},
};
use tokio::net::TcpStream;

use super::socket::Socket;
use crate::{gateway::Gateway, options::GatewayOptions};

/// The length of HTTP/2's preface; a client that has sent as much has shown which protocol it
/// speaks, and from then on that protocol's own timeouts hold.
const PREFACE: usize = 24;
/// How many streams a client may reset before they are accepted; hyper's default, made explicit
/// (CVE-2023-44487, "rapid reset").
const PENDING_RESETS: usize = 20;
/// How many streams may be reset for a client's errors before the connection is closed; hyper's
/// default, made explicit (CVE-2025-8671, "made you reset").
const LOCAL_RESETS: usize = 1024;

/// The settings of all connections.
pub(super) fn builder(options: &GatewayOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper wants at least 8 KiB for HTTP/1's buffer.
    let buffer = usize::try_from(options.header_bytes).unwrap_or(usize::MAX).max(8192);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_read_timeout)
        .max_headers(options.header_count)
        .max_buf_size(buffer);
    builder
        .http2()
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
pub(super) async fn serve(gateway: Gateway, builder: Arc<Builder<TokioExecutor>>, stream: TcpStream, watcher: Watcher) {
    let patience = gateway.state.options.header_read_timeout;
    let socket = Socket::new(stream, gateway.state.options.write_timeout);
    let received = socket.received();
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = gateway.clone();
        async move { Ok::<_, Infallible>(gateway.handle(request).await) }
    });
    let connection = watcher.watch(builder.serve_connection(TokioIo::new(socket), service).into_owned());
    let silent = async {
        tokio::time::sleep(patience).await;
        if received.bytes() >= PREFACE {
            std::future::pending().await
        }
    };
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended {
                tracing::debug!(error, "a connection broke");
            }
        }
        () = silent => tracing::debug!("a client connected and did not say which protocol it speaks"),
    }
}
