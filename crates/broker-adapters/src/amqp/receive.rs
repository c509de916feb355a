//! What comes from the server.

use bytes::Bytes;
use skyloom_core::{Envelope, broker::BrokerError};

use super::{
    operate::explain,
    role::{INBOXES, Partial, Role, TOPOLOGY},
    state::State,
    tell::Tell,
    wire::{BODY, CONTENT, Content, Frame, HEARTBEAT, Incoming, METHOD, Marks},
};

/// The largest message that is read at all.
const LARGEST: usize = 512 << 20;

impl State {
    /// Takes up a frame.
    ///
    /// # Errors
    /// Why the connection cannot go on.
    pub(super) fn receive(&mut self, frame: Frame) -> Result<(), String> {
        let Frame { kind, channel, payload } = frame;
        match kind {
            METHOD => self.method(channel, Incoming::read(payload).map_err(|error| error.to_string())?),
            CONTENT | BODY => self.content(channel, kind, payload),
            HEARTBEAT => Ok(()),
            _ => Err("a frame of an unknown kind came".to_owned()),
        }
    }

    fn content(&mut self, channel: u16, kind: u8, payload: Bytes) -> Result<(), String> {
        let Some(partial) = self.partial.get_mut(&channel) else {
            return Err("a part of a message came before its beginning".to_owned());
        };
        let taken = match kind {
            CONTENT => Content::read(payload).and_then(|content| partial.content(content, LARGEST)),
            _ => partial.body(payload),
        };
        taken.map_err(|error| error.to_string())?;
        if partial.is_whole()
            && let Some(whole) = self.partial.remove(&channel)
        {
            let (method, marks, body) = whole.into_parts();
            self.message(channel, method, marks, body);
        }
        Ok(())
    }

    fn message(&mut self, channel: u16, method: Incoming, marks: Marks, body: Bytes) {
        match method {
            Incoming::Deliver { consumer, tag, redelivered } => match self.roles.get(&channel) {
                Some(Role::Fixed) if channel == INBOXES => self.replied(&consumer, tag, body),
                Some(Role::Consumer(id)) => {
                    let id = *id;
                    self.arrived(id, tag, redelivered, marks, body);
                }
                Some(Role::Look(_)) => self.look_seen(channel, tag, marks, body),
                _ => {}
            },
            // A worker's reply that finds no inbox comes back, too, and nobody needs it.
            Incoming::Return { text } => {
                tracing::debug!(text, "a message has found no queue");
                if let (Some(confirms), Ok(envelope)) = (self.confirms_of(channel), Envelope::decode(body)) {
                    confirms.returned(envelope.id);
                }
            }
            _ => {}
        }
    }

    fn method(&mut self, channel: u16, method: Incoming) -> Result<(), String> {
        match method {
            Incoming::Deliver { .. } | Incoming::Return { .. } => {
                self.partial.insert(channel, Partial::new(method));
            }
            Incoming::Ack { tag, multiple } => self.confirmed(channel, tag, multiple, true),
            Incoming::Nack { tag, multiple } => self.confirmed(channel, tag, multiple, false),
            Incoming::Close { code, text } => {
                self.send().close_ok();
                return Err(self.dismissed(code, &text));
            }
            Incoming::Closed => return Err("it was closed".to_owned()),
            Incoming::Blocked(reason) => {
                tracing::warn!(reason, "the broker takes no messages for now");
                self.blocked = Some(reason);
            }
            Incoming::Unblocked => {
                tracing::info!("the broker takes messages again");
                self.blocked = None;
                self.release_held();
            }
            Incoming::Flow(active) => self.send().flow_ok(channel, active),
            Incoming::ChannelClose { code, text } => return self.channel_closed(channel, code, text),
            Incoming::ChannelClosed => {
                self.roles.remove(&channel);
                self.former_is_closed(channel);
            }
            other => self.answer(channel, &other),
        }
        Ok(())
    }

    /// What the server answers to a method.
    fn answer(&mut self, channel: u16, method: &Incoming) {
        match (self.roles.get(&channel), method) {
            (Some(Role::Fixed), Incoming::QueueDeclared { messages, consumers }) if channel == TOPOLOGY => {
                self.answered(Some((*messages, *consumers)));
            }
            (Some(Role::Fixed), Incoming::Removed { messages }) if channel == TOPOLOGY => {
                self.answered(Some((*messages, 0)));
            }
            (Some(Role::Fixed), Incoming::Done) if channel == TOPOLOGY => self.answered(None),
            (Some(Role::Fixed), Incoming::Cancel { consumer }) if channel == INBOXES => self.inbox_gone(consumer),
            (Some(Role::Consumer(id)), Incoming::Consuming) => {
                let id = *id;
                self.subscribed(id);
            }
            (Some(Role::Consumer(id)), Incoming::Cancelled) => {
                let id = *id;
                self.cancelled(id);
            }
            (Some(Role::Consumer(id)), Incoming::QosSet) => {
                let id = *id;
                self.credited(id);
            }
            (Some(Role::Consumer(id)), Incoming::Cancel { .. }) => {
                let id = *id;
                self.uprooted(id, channel);
            }
            (Some(Role::Look(_)), Incoming::QueueDeclared { messages, .. }) => self.look_counted(channel, *messages),
            _ => {}
        }
    }

    fn channel_closed(&mut self, channel: u16, code: u16, text: String) -> Result<(), String> {
        self.partial.remove(&channel);
        match self.roles.get(&channel) {
            Some(Role::Fixed) if channel == TOPOLOGY => self.refused(code, &text),
            // What was on its way is unknown now: it is as if the connection had ended.
            Some(Role::Fixed) => return Err(explain(code, &text)),
            Some(Role::Consumer(id)) => {
                let id = *id;
                self.interrupted(id, channel, code, BrokerError::refused(explain(code, &text)));
            }
            Some(Role::Look(_)) => self.look_refused(channel, code, &text),
            Some(Role::Closing { .. }) | None => self.send().close_channel_ok(channel),
        }
        Ok(())
    }

    /// Takes what is to be told.
    pub(super) fn take_tells(&mut self) -> Vec<Tell> {
        std::mem::take(&mut self.tells)
    }
}
