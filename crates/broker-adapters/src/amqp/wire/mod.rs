//! AMQP 0-9-1 as bytes, as far as it is used here: a pure codec.

mod frame;

mod read;

mod write;

mod incoming;

mod content;

mod outgoing;

pub(super) use self::{
    content::{Content, Marks},
    frame::{BODY, CONTENT, Frame, HEADER, HEARTBEAT, METHOD, OVERHEAD, WireError, take},
    incoming::Incoming,
    outgoing::{Address, Arguments, Outgoing, Shape},
    write::Argument,
};
