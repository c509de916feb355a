//! A typed call while it is being made.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Request, Response, ResponseStream, exchange::Exchange, layered::Stack};
use crate::{Codec, Ledger, Payload, Result, Status, broker::BoxFuture};

/// A typed call while it is being made: without layers, through layers, or as a stream.
#[doc(hidden)]
pub struct Making {
    exchange: Exchange,
    way: Way,
}

enum Way {
    Direct,
    Layers(Arc<dyn Stack>),
    Layered(BoxFuture<'static, Result<Response>>),
    Opening(BoxFuture<'static, Result<ResponseStream>>),
}

impl Making {
    #[inline]
    pub(super) fn new(exchange: Exchange, layers: Option<Arc<dyn Stack>>) -> Self {
        Self { exchange, way: layers.map_or(Way::Direct, Way::Layers) }
    }

    #[inline]
    pub(super) const fn request(&mut self) -> &mut Request {
        &mut self.exchange.request
    }

    /// Sends the request as one-way work.
    pub(super) async fn cast(mut self) -> Result<()> {
        let request = self.exchange.take_request();
        self.exchange.shared.cast(request).await
    }

    /// Sends the request and receives one message.
    pub(super) fn poll_message<M: Payload>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(M, Ledger)>> {
        if let Way::Direct = self.way {
            return Pin::new(&mut self.exchange).poll(cx).map(|reply| {
                let reply = reply?;
                Ok((decode(reply.0.codec, &reply.0.payload)?, reply.ledger()))
            });
        }
        self.poll_layers(cx).map(|response| {
            let response = response?;
            Ok((decode(response.codec, &response.payload)?, response.ledger))
        })
    }

    fn poll_layers(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        if let Way::Layers(layers) = &self.way {
            let layers = Arc::clone(layers);
            self.way = Way::Layered(layers.call(self.exchange.take_request()));
        }
        match &mut self.way {
            Way::Layered(response) => response.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }

    /// Sends the request and waits until the stream has started. Layers are not for streams.
    pub(super) fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseStream>> {
        if !matches!(self.way, Way::Opening(_)) {
            let (shared, request) = (Arc::clone(&self.exchange.shared), self.exchange.take_request());
            self.way = Way::Opening(Box::pin(async move { shared.open_stream(request).await }));
        }
        match &mut self.way {
            Way::Opening(stream) => stream.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}

impl fmt::Debug for Making {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Making").field("request", &self.exchange.request).finish_non_exhaustive()
    }
}

/// The message in a reply.
pub(super) fn decode<M: Payload>(codec: Codec, payload: &bytes::Bytes) -> Result<M> {
    if codec != M::CODEC {
        let message = format!("the reply is {}, not {}", codec.name(), M::CODEC.name());
        return Err(Status::internal(message));
    }
    M::decode_shared(payload).map_err(|status| Status::internal(format!("the reply is {}", status.message())))
}
