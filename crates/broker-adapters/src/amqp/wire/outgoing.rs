//! The methods that a client sends.

use bytes::{BufMut, BytesMut};
use skyloom_core::Envelope;

use super::{
    content::Marks,
    frame::{self, BODY, CONTENT, METHOD, OVERHEAD},
    write::{Argument, put_long, put_short, put_table},
};

/// Appends methods to a buffer.
pub(in crate::amqp) struct Outgoing<'a>(pub(in crate::amqp) &'a mut BytesMut);

/// Arguments of a declaration.
pub(in crate::amqp) type Arguments = Vec<(&'static str, Argument)>;

const PASSIVE: u8 = 1;
const DURABLE: u8 = 2;
const AUTO_DELETE: u8 = 8;

impl Outgoing<'_> {
    fn method(&mut self, channel: u16, class: u16, method: u16, write: impl FnOnce(&mut BytesMut)) {
        frame::put(self.0, METHOD, channel, |out| {
            out.put_u16(class);
            out.put_u16(method);
            write(out);
        });
    }

    pub(in crate::amqp) fn start_ok(&mut self, properties: &Arguments, user: &str, password: &str) {
        self.method(0, 10, 11, |out| {
            put_table(out, properties);
            put_short(out, "PLAIN");
            put_long(out, format!("\0{user}\0{password}").as_bytes());
            put_short(out, "en_US");
        });
    }

    pub(in crate::amqp) fn tune_ok(&mut self, channels: u16, frame: u32, heartbeat: u16) {
        self.method(0, 10, 31, |out| {
            out.put_u16(channels);
            out.put_u32(frame);
            out.put_u16(heartbeat);
        });
    }

    pub(in crate::amqp) fn open(&mut self, vhost: &str) {
        self.method(0, 10, 40, |out| {
            put_short(out, vhost);
            out.put_slice(&[0, 0]);
        });
    }

    pub(in crate::amqp) fn close(&mut self) {
        self.method(0, 10, 50, put_goodbye);
    }

    pub(in crate::amqp) fn close_ok(&mut self) {
        self.method(0, 10, 51, |_| {});
    }

    pub(in crate::amqp) fn open_channel(&mut self, channel: u16) {
        self.method(channel, 20, 10, |out| out.put_u8(0));
    }

    pub(in crate::amqp) fn flow_ok(&mut self, channel: u16, active: bool) {
        self.method(channel, 20, 21, |out| out.put_u8(active.into()));
    }

    pub(in crate::amqp) fn close_channel(&mut self, channel: u16) {
        self.method(channel, 20, 40, put_goodbye);
    }

    pub(in crate::amqp) fn close_channel_ok(&mut self, channel: u16) {
        self.method(channel, 20, 41, |_| {});
    }

    pub(in crate::amqp) fn declare_fanout(&mut self, channel: u16, name: &str) {
        self.method(channel, 40, 10, |out| {
            out.put_u16(0);
            put_short(out, name);
            put_short(out, "fanout");
            out.put_u8(DURABLE);
            put_table(out, &[]);
        });
    }

    pub(in crate::amqp) fn declare(&mut self, channel: u16, name: &str, shape: Shape, arguments: &Arguments) {
        self.method(channel, 50, 10, |out| {
            out.put_u16(0);
            put_short(out, name);
            out.put_u8(match shape {
                Shape::Passive => PASSIVE,
                Shape::Durable => DURABLE,
                Shape::Ephemeral => DURABLE | AUTO_DELETE,
                Shape::Transient => 0,
            });
            put_table(out, arguments);
        });
    }

    pub(in crate::amqp) fn bind(&mut self, channel: u16, queue: &str, exchange: &str) {
        self.method(channel, 50, 20, |out| {
            out.put_u16(0);
            put_short(out, queue);
            put_short(out, exchange);
            put_short(out, "");
            out.put_u8(0);
            put_table(out, &[]);
        });
    }

    pub(in crate::amqp) fn purge(&mut self, channel: u16, queue: &str) {
        self.method(channel, 50, 30, |out| {
            out.put_u16(0);
            put_short(out, queue);
            out.put_u8(0);
        });
    }

    /// Deletes a queue, without an answer.
    pub(in crate::amqp) fn delete(&mut self, channel: u16, queue: &str) {
        const NO_WAIT: u8 = 4;
        self.delete_with(channel, queue, NO_WAIT);
    }

    /// Deletes a queue, and asks for an answer.
    pub(in crate::amqp) fn remove(&mut self, channel: u16, queue: &str) {
        self.delete_with(channel, queue, 0);
    }

    fn delete_with(&mut self, channel: u16, queue: &str, flags: u8) {
        self.method(channel, 50, 40, |out| {
            out.put_u16(0);
            put_short(out, queue);
            out.put_u8(flags);
        });
    }

    pub(in crate::amqp) fn qos(&mut self, channel: u16, prefetch: u16) {
        self.method(channel, 60, 10, |out| {
            out.put_u32(0);
            out.put_u16(prefetch);
            out.put_u8(0);
        });
    }

    pub(in crate::amqp) fn consume(&mut self, channel: u16, queue: &str, tag: &str, exclusive: bool) {
        const EXCLUSIVE: u8 = 4;
        self.method(channel, 60, 20, |out| {
            out.put_u16(0);
            put_short(out, queue);
            put_short(out, tag);
            out.put_u8(if exclusive { EXCLUSIVE } else { 0 });
            put_table(out, &[]);
        });
    }

    pub(in crate::amqp) fn cancel(&mut self, channel: u16, tag: &str) {
        self.method(channel, 60, 30, |out| {
            put_short(out, tag);
            out.put_u8(0);
        });
    }

    pub(in crate::amqp) fn get(&mut self, channel: u16, queue: &str) {
        self.method(channel, 60, 70, |out| {
            out.put_u16(0);
            put_short(out, queue);
            out.put_u8(0);
        });
    }

    pub(in crate::amqp) fn ack(&mut self, channel: u16, tag: u64, multiple: bool) {
        self.method(channel, 60, 80, |out| {
            out.put_u64(tag);
            out.put_u8(multiple.into());
        });
    }

    /// Gives a message back to its queue.
    pub(in crate::amqp) fn requeue(&mut self, channel: u16, tag: u64) {
        const REQUEUE: u8 = 2;
        self.method(channel, 60, 120, |out| {
            out.put_u64(tag);
            out.put_u8(REQUEUE);
        });
    }

    pub(in crate::amqp) fn confirm(&mut self, channel: u16) {
        self.method(channel, 85, 10, |out| out.put_u8(0));
    }

    pub(in crate::amqp) fn heartbeat(&mut self) {
        frame::put(self.0, frame::HEARTBEAT, 0, |_| {});
    }

    pub(in crate::amqp) fn publish(&mut self, to: &Address<'_>, marks: &Marks, envelope: &Envelope) {
        let size = envelope.encoded_len();
        if size == 0 || size > to.largest() {
            return self.publish_body(to, marks, &envelope.encode());
        }
        self.announce(to, marks, size);
        frame::put(self.0, BODY, to.channel, |out| envelope.encode_to(out));
    }

    /// Publishes what is encoded already.
    pub(in crate::amqp) fn publish_body(&mut self, to: &Address<'_>, marks: &Marks, body: &[u8]) {
        self.announce(to, marks, body.len());
        for part in body.chunks(to.largest()) {
            frame::put(self.0, BODY, to.channel, |out| out.put_slice(part));
        }
    }

    fn announce(&mut self, to: &Address<'_>, marks: &Marks, size: usize) {
        self.method(to.channel, 60, 40, |out| {
            out.put_u16(0);
            put_short(out, to.exchange);
            put_short(out, to.key);
            out.put_u8(to.mandatory.into());
        });
        frame::put(self.0, CONTENT, to.channel, |out| marks.put(out, size));
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::amqp) struct Address<'a> {
    pub(in crate::amqp) channel: u16,
    pub(in crate::amqp) exchange: &'a str,
    pub(in crate::amqp) key: &'a str,
    /// It comes back if no queue takes it.
    pub(in crate::amqp) mandatory: bool,
    /// The largest frame.
    pub(in crate::amqp) frame: usize,
}

impl Address<'_> {
    /// How many bytes of a body fit into one frame.
    fn largest(&self) -> usize {
        self.frame.saturating_sub(OVERHEAD).max(1)
    }
}

/// What kind of queue is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::amqp) enum Shape {
    /// It is only asked for.
    Passive,
    /// It survives the server.
    Durable,
    /// It goes with its last consumer.
    Ephemeral,
    /// It goes with the server.
    Transient,
}

fn put_goodbye(out: &mut BytesMut) {
    out.put_u16(200);
    put_short(out, "bye");
    out.put_u32(0);
}
