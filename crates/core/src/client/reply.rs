//! What a method answers with.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    ResponseStream,
    making::{Making, decode},
};
use crate::{Ledger, Payload, Result, Streaming};

/// What a method answers with: a message, or [`Streaming`] of messages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's reply",
    label = "neither a message nor a stream of messages",
    note = "return `Result<M>` or `Result<Streaming<M>>` where M is a protobuf message or `Json<...>`"
)]
pub trait Reply: Sized + Send + 'static {
    /// The message, or the message of the stream.
    type Message: Payload;

    /// Whether it is a stream.
    const STREAMING: bool;

    /// Takes the reply apart for sending.
    #[doc(hidden)]
    fn into_outgoing(self) -> Outgoing<Self::Message>;

    /// Sends the request and receives the reply.
    #[doc(hidden)]
    fn poll_receive(making: &mut Making, cx: &mut Context<'_>) -> Poll<Result<(Self, Ledger)>>;
}

/// A reply on its way out.
#[doc(hidden)]
#[derive(Debug)]
pub enum Outgoing<M> {
    /// One message.
    Message(M),
    /// A stream of them.
    Stream(Streaming<M>),
}

// What is missing is a reply, and not, say, `Default`.
#[diagnostic::do_not_recommend]
impl<M: Payload> Reply for M {
    type Message = M;
    const STREAMING: bool = false;

    fn into_outgoing(self) -> Outgoing<M> {
        Outgoing::Message(self)
    }

    fn poll_receive(making: &mut Making, cx: &mut Context<'_>) -> Poll<Result<(Self, Ledger)>> {
        making.poll_message(cx)
    }
}

impl<M: Payload> Reply for Streaming<M> {
    type Message = M;
    const STREAMING: bool = true;

    fn into_outgoing(self) -> Outgoing<M> {
        Outgoing::Stream(self)
    }

    fn poll_receive(making: &mut Making, cx: &mut Context<'_>) -> Poll<Result<(Self, Ledger)>> {
        making.poll_stream(cx).map(|stream| {
            let stream = stream?;
            let ledger = stream.ledger();
            Ok((Self::new(Decoded { stream, message: PhantomData }), ledger))
        })
    }
}

struct Decoded<M> {
    stream: ResponseStream,
    message: PhantomData<fn() -> M>,
}

impl<M: Payload> futures_core::Stream for Decoded<M> {
    type Item = Result<M>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.stream).poll_next(cx).map(|next| {
            next.map(|reply| {
                let reply = reply?;
                decode(reply.codec, &reply.payload)
            })
        })
    }
}
