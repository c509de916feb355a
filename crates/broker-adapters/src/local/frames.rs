//! Frames that could not be sent when they were made.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use skyloom_broker::{
    engine::{Message, Ticket},
    wire::{ClientFrame, Names, WireError, WriteBody, first_frame},
};
use skyloom_core::Guid;

/// A frame with an envelope of its own.
pub(super) type OwnedFrame = ClientFrame<Bytes>;

/// What a change of connection means for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Says what stands, which is announced on each connection anyway.
    Standing,
    /// Concerns a lease, and is void if the lease is.
    Leased,
    /// Can be sent on any connection.
    Free,
}

pub(super) const fn class<B>(frame: &ClientFrame<B>) -> Class {
    match frame {
        ClientFrame::Settle { .. }
        | ClientFrame::Partial { .. }
        | ClientFrame::Extend { .. }
        | ClientFrame::Once { .. } => Class::Leased,
        ClientFrame::Enqueue { .. } | ClientFrame::Publish { .. } | ClientFrame::Admin { .. } => Class::Free,
        _ => Class::Standing,
    }
}

const fn ticket_mut<B>(frame: &mut ClientFrame<B>) -> Option<&mut Ticket> {
    match frame {
        ClientFrame::Enqueue { ticket, .. }
        | ClientFrame::Publish { ticket, .. }
        | ClientFrame::Settle { ticket, .. }
        | ClientFrame::Partial { ticket, .. }
        | ClientFrame::Extend { ticket, .. }
        | ClientFrame::Once { ticket, .. }
        | ClientFrame::Admin { ticket, .. } => Some(ticket),
        _ => None,
    }
}

/// Takes the ticket out of a frame that is to be sent again under another.
pub(super) fn take_ticket(frame: &mut OwnedFrame) -> Ticket {
    ticket_mut(frame).map_or(Ticket::NONE, |ticket| std::mem::replace(ticket, Ticket::NONE))
}

pub(super) fn set_ticket(frame: &mut OwnedFrame, new: Ticket) {
    if let Some(ticket) = ticket_mut(frame) {
        *ticket = new;
    }
}

const fn message<B>(frame: &ClientFrame<B>) -> Option<&Message<B>> {
    match frame {
        ClientFrame::Enqueue { message, .. } | ClientFrame::Publish { message, .. } => Some(message),
        _ => None,
    }
}

/// How long a frame may wait to be sent.
pub(super) fn time_to_live<B>(frame: &ClientFrame<B>) -> Option<Duration> {
    message(frame).and_then(|message| message.time_to_live)
}

/// The call that a frame makes, and the inbox that awaits its reply.
pub(super) fn call<B>(frame: &ClientFrame<B>) -> Option<(Guid, Guid)> {
    message(frame).and_then(|message| Some((message.id, message.reply_to?)))
}

/// Roughly what a frame occupies.
pub(super) fn size(frame: &OwnedFrame) -> usize {
    /// The fields and names of any frame.
    const FIELDS: usize = 256;
    let body = match frame {
        ClientFrame::Partial { body, .. } => body.len(),
        ClientFrame::Settle { settle: skyloom_broker::engine::Settle::Reply(body), .. } => body.len(),
        frame => message(frame).map_or(0, |message| message.body.len()),
    };
    FIELDS + body
}

/// Takes off what has passed since the frame was made.
pub(super) fn age(frame: &mut OwnedFrame, passed: Duration) {
    if let ClientFrame::Enqueue { message, .. } | ClientFrame::Publish { message, .. } = frame {
        message.delay = message.delay.saturating_sub(passed);
        message.time_to_live = message.time_to_live.map(|left| left.saturating_sub(passed));
    }
}

/// The frame with an envelope of its own.
pub(super) fn own<B: WriteBody>(frame: &ClientFrame<B>) -> Result<OwnedFrame, WireError> {
    let mut encoded = BytesMut::new();
    frame.encode(&mut encoded)?;
    match unwritten(&encoded, 0).pop() {
        Some(owned) => Ok(owned),
        None => Err(WireError::Cut { frame: "held" }),
    }
}

/// The frames of a buffer of which only the first `written` bytes have reached the socket. One that
/// was written in part counts as unwritten: the broker does not act on half a frame.
pub(super) fn unwritten(buffer: &[u8], written: usize) -> Vec<OwnedFrame> {
    let (mut frames, mut names, mut start) = (Vec::new(), Names::new(), 0);
    // The buffer holds nothing but what was encoded into it, so that every frame can be read.
    while let Some(Ok(Some(frame))) = buffer.get(start..).map(|rest| first_frame(rest, usize::MAX)) {
        start += size_of::<u32>() + frame.len();
        if start > written {
            frames.extend(ClientFrame::decode(frame, &mut names, Bytes::copy_from_slice));
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use skyloom_broker::{
        engine::{Settle, Ticket},
        wire::ClientFrame,
    };
    use skyloom_core::broker::Lease;

    use super::{OwnedFrame, take_ticket, unwritten};

    fn settle(ticket: u32) -> OwnedFrame {
        let lease = Lease { slot: 1, number: 2 };
        ClientFrame::Settle { ticket: Ticket(ticket), lease, settle: Settle::Reply(Bytes::from_static(b"envelope")) }
    }

    #[test]
    fn what_was_not_written_completely_is_found_again() {
        let mut buffer = BytesMut::new();
        let mut ends = Vec::new();
        for ticket in 1..=3 {
            settle(ticket).encode(&mut buffer).unwrap();
            ends.push(buffer.len());
        }
        let tickets = |written| unwritten(&buffer, written).iter_mut().map(take_ticket).collect::<Vec<_>>();
        assert_eq!(tickets(0), [Ticket(1), Ticket(2), Ticket(3)]);
        assert_eq!(tickets(ends[0] - 1), [Ticket(1), Ticket(2), Ticket(3)]);
        assert_eq!(tickets(ends[0]), [Ticket(2), Ticket(3)]);
        assert_eq!(tickets(ends[0] + 1), [Ticket(2), Ticket(3)]);
        assert_eq!(tickets(ends[2]), []);
    }
}
