//! What becomes of what was to be sent when a connection ends and another begins, without a broker.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use skyloom_broker::{
    engine::{Message, Settle, Ticket},
    wire::{Accepted, ClientFrame},
};
use skyloom_core::{
    Channel, Envelope, Guid, QueueName,
    broker::{Ack, BrokerError, Lease, ReplySink},
};
use tokio::time::{Instant, timeout};

use super::{
    LocalOptions,
    frames::{OwnedFrame, unwritten},
    standing::Sink,
    state::{Confirm, State},
};

/// Notes which calls were refused and which are lost.
#[derive(Default)]
struct Heard(Mutex<Vec<(&'static str, Guid)>>);

impl ReplySink for Heard {
    fn reply(&self, _: Arc<Envelope>) {}

    fn refused(&self, call: Guid, error: BrokerError) {
        assert!(matches!(error, BrokerError::Unavailable { .. }), "{error:?}");
        self.0.lock().expect("no panic").push(("refused", call));
    }

    fn lost(&self, _: BrokerError, unsent: &HashSet<Guid>) {
        let mut heard = self.0.lock().expect("no panic");
        heard.extend(unsent.iter().map(|call| ("lost, but for", *call)));
        heard.push(("lost", Guid::default()));
    }
}

/// A connection that is there, and the inbox of a client on it.
struct Connected {
    state: State,
    epoch: Guid,
    inbox: Guid,
    heard: Arc<Heard>,
    now: Instant,
}

impl Connected {
    fn new() -> Self {
        let now = Instant::now();
        let (mut state, heard) = (State::new(LocalOptions::default(), now), Arc::<Heard>::default());
        let (epoch, inbox) = (Guid::private(), Guid::private());
        state.standing.sinks.insert(inbox, Sink { sink: heard.clone(), opened: None });
        let mut this = Self { state, epoch, inbox, heard, now };
        this.attach(epoch);
        this.sent();
        this
    }

    fn attach(&mut self, epoch: Guid) {
        let (inbox_grace, silence) = (Duration::from_secs(60), Duration::from_secs(2));
        let accepted = Accepted { version: 1, epoch, message_bytes: 1 << 20, inbox_grace, silence };
        self.state.attach(accepted, self.now).tell();
    }

    /// The connection ends, before what is in its buffer was written.
    fn detach(&mut self) {
        self.state.detach(&[], 0, "it is gone", self.now).tell();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.state.expire(self.now).tell();
    }

    /// Makes a call that has so much time, as one that needs no confirmation.
    fn call(&mut self, time: Duration) -> (Guid, Ack) {
        let (id, body) = (Guid::call(), Bytes::from_static(b"a call"));
        let message = Message {
            id,
            reply_to: Some(self.inbox),
            priority: 1,
            delay: Duration::ZERO,
            time_to_live: Some(time),
            size: body.len(),
            body,
        };
        let channel = Channel::Queue(QueueName::from_static("work.v1"));
        let frame = |ticket| ClientFrame::Enqueue { ticket, channel, message };
        (id, self.state.submit(Confirm::Unneeded, frame).0)
    }

    /// Settles a lease that the worker has.
    fn settle(&mut self) -> Ack {
        let (lease, settle) = (Lease { slot: 1, number: 1 }, Settle::Reply(Bytes::from_static(b"a reply")));
        self.state.submit(Confirm::Awaited, |ticket| ClientFrame::Settle { ticket, lease, settle }).0
    }

    /// What is written by now.
    fn sent(&mut self) -> Vec<OwnedFrame> {
        unwritten(&self.state.take_out(BytesMut::new()), 0)
    }

    /// The calls that are written by now, with the time that they have.
    fn calls(&mut self) -> Vec<(Guid, Option<Duration>)> {
        let call = |frame: &OwnedFrame| match frame {
            ClientFrame::Enqueue { message, .. } => Some((message.id, message.time_to_live)),
            _ => None,
        };
        self.sent().iter().filter_map(call).collect()
    }

    fn heard(&self) -> Vec<(&'static str, Guid)> {
        std::mem::take(&mut *self.heard.0.lock().expect("no panic"))
    }
}

const TEN: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn calls_that_were_not_written_are_sent_in_their_order_with_the_time_that_is_left() {
    let mut there = Connected::new();
    let (first, accepted) = there.call(TEN);
    accepted.await.expect("it is promised");
    let (second, _) = there.call(TEN);
    there.detach();
    let (third, _waits) = there.call(TEN);
    there.pass(Duration::from_secs(4));
    assert_eq!(there.heard(), []);
    let epoch = there.epoch;
    there.attach(epoch);
    let left = Some(Duration::from_secs(6));
    assert_eq!(there.calls(), [(first, left), (second, left), (third, left)]);
    assert_eq!(there.heard(), [], "nobody was lost");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_promised_and_never_sent_is_refused_when_its_time_is_over() {
    let mut there = Connected::new();
    let (call, accepted) = there.call(TEN);
    accepted.await.expect("it is promised");
    there.detach();
    there.pass(TEN);
    assert_eq!(there.heard(), [("refused", call)]);
    let epoch = there.epoch;
    there.attach(epoch);
    assert_eq!(there.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_no_loss_when_a_broker_comes_back_without_its_state() {
    let mut there = Connected::new();
    there.detach();
    let (call, accepted) = there.call(TEN);
    there.attach(Guid::private());
    accepted.await.expect("it is sent");
    assert_eq!(there.heard(), [("lost, but for", call), ("lost", Guid::default())]);
    assert_eq!(there.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_outlives_a_planned_restart_that_keeps_it_and_no_other() {
    for (kept, case) in [(true, "the state is kept"), (false, "the state is lost")] {
        let mut there = Connected::new();
        there.state.leave();
        there.detach();
        let (life, settled) = (there.state.life, there.settle());
        let epoch = if kept { there.epoch } else { Guid::private() };
        there.attach(epoch);
        assert_eq!(there.state.life == life, kept, "{case}");
        let ticket = |frame: &OwnedFrame| match frame {
            ClientFrame::Settle { ticket, .. } => Some(*ticket),
            _ => None,
        };
        let sent: Vec<Ticket> = there.sent().iter().filter_map(ticket).collect();
        sent.iter().for_each(|ticket| there.state.done(*ticket, Ok(())).tell());
        // Its number may be that of another lease by now.
        let (expected, count) = if kept { (Ok(()), 1) } else { (Err(BrokerError::Stale), 0) };
        assert_eq!((settled.await, sent.len()), (expected, count), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_closes_the_connection_leaves_nobody_waiting() {
    let mut there = Connected::new();
    there.detach();
    let (call, accepted) = there.call(TEN);
    let settled = there.settle();
    there.state.close().tell();
    for told in [accepted, settled] {
        let told = timeout(TEN, told).await.expect("it is told");
        assert!(matches!(told, Err(BrokerError::Unavailable { .. })), "{told:?}");
    }
    assert_eq!(there.heard(), [("lost, but for", call), ("lost", Guid::default())]);
}
