//! Between the frames of the wire and the vocabulary of the engine.

use super::encoded::Encoded;
use crate::{
    engine::{Conn, Input, Output},
    wire::{ClientFrame, ServerFrame},
};

/// What a client's frame means to the door.
pub(super) enum Meaning {
    /// The engine is to hear of it.
    Input(Input<Encoded>),
    /// The client wants a sign of life.
    Ping,
    /// The client says that it will send no more.
    Bye,
}

pub(super) fn input(conn: Conn, frame: ClientFrame<Encoded>) -> Meaning {
    Meaning::Input(match frame {
        ClientFrame::Enqueue { ticket, channel, message } => Input::Enqueue { conn, ticket, channel, message },
        ClientFrame::Publish { ticket, topic, message } => Input::Publish { conn, ticket, topic, message },
        ClientFrame::Consume { ticket, consumer, channel, options } => {
            Input::Consume { conn, ticket, consumer, channel, options }
        }
        ClientFrame::Stop { ticket, consumer } => Input::Stop { conn, ticket, consumer },
        ClientFrame::Unsubscribe { ticket, topic, group } => Input::Unsubscribe { conn, ticket, topic, group },
        ClientFrame::OpenInbox { ticket, inbox } => Input::OpenInbox { conn, ticket, inbox },
        ClientFrame::CloseInbox { inbox } => Input::CloseInbox { conn, inbox },
        ClientFrame::Settle { ticket, lease, settle } => Input::Settle { conn, ticket, lease, settle },
        ClientFrame::Partial { ticket, lease, body } => Input::Partial { conn, ticket, lease, body },
        ClientFrame::Extend { ticket, lease } => Input::Extend { conn, ticket, lease },
        ClientFrame::Once { ticket, lease } => Input::Once { conn, ticket, lease },
        ClientFrame::Register { ticket, instance, contracts } => Input::Register { conn, ticket, instance, contracts },
        ClientFrame::Deregister { ticket, instance } => Input::Deregister { conn, ticket, instance },
        ClientFrame::Watch => Input::Watch { conn },
        ClientFrame::Admin { ticket, command } => Input::Admin { conn, ticket, command },
        ClientFrame::Ping => return Meaning::Ping,
        ClientFrame::Bye => return Meaning::Bye,
    })
}

/// The frame that tells a client of an output; none for what only concerns other protocols.
pub(super) fn frame(output: Output<Encoded>) -> Option<ServerFrame<Encoded>> {
    Some(match output {
        Output::Deliver { consumer, lease, lease_time, attempt, time_to_live, waited, body, .. } => {
            ServerFrame::Deliver { consumer, lease, lease_time, attempt, time_to_live, waited, body }
        }
        Output::Reply { inbox, body, .. } => ServerFrame::Reply { inbox, body },
        Output::Refused { inbox, call, error, .. } => ServerFrame::Refused { inbox, call, error },
        Output::Done { ticket, result, .. } => ServerFrame::Done { ticket, result },
        Output::Admin { ticket, answer, .. } => ServerFrame::Admin { ticket, answer },
        Output::Registry { change, .. } => ServerFrame::Registry(change),
        Output::Closed { error, .. } => ServerFrame::Failed { reason: error.to_string() },
        Output::Job { .. } => return None,
    })
}
