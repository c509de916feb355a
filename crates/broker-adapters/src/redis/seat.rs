//! [`Seat`]: a consumer's place at a channel, as its deliveries and its reader see it.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use skyloom_core::{
    Guid,
    broker::{Ack, AckSender, ConsumeOptions, ConsumerControl},
};
use tokio::sync::Notify;

use super::names::Place;

/// A consumer's place at a channel.
pub(super) struct Seat {
    /// The consumer's name in the stream's group: `<session>:<number>:<lease in ms>`.
    pub(super) name: String,
    pub(super) place: Arc<Place>,
    pub(super) options: ConsumeOptions,
    /// The channel ends with its last consumer.
    pub(super) ephemeral: bool,
    out: AtomicU32,
    stopping: AtomicBool,
    stopped: Mutex<Stopped>,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Stopped {
    yes: bool,
    waiting: Vec<AckSender>,
}

impl Seat {
    pub(super) fn new(session: Guid, number: u32, place: Arc<Place>, options: ConsumeOptions) -> Arc<Self> {
        let name = format!("{session}:{number}:{}", options.lease.as_millis());
        let ephemeral = options.ephemeral || place.instance.is_some();
        Arc::new(Self {
            name,
            place,
            options,
            ephemeral,
            out: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            stopped: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// How many more deliveries it may have.
    pub(super) fn credit(&self) -> u32 {
        self.options.credit.max(1).saturating_sub(self.out.load(Ordering::Relaxed))
    }

    /// Whether all its deliveries are settled.
    pub(super) fn is_empty(&self) -> bool {
        self.out.load(Ordering::Relaxed) == 0
    }

    pub(super) fn delivered(&self) {
        self.out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self) {
        let before = self.out.fetch_sub(1, Ordering::Relaxed);
        if before >= self.options.credit.max(1) || self.is_stopping() {
            self.changed.notify_one();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// No more deliveries are made.
    pub(super) fn set_stopped(&self) {
        self.stopping.store(true, Ordering::Release);
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.yes = true;
        let waiting = std::mem::take(&mut stopped.waiting);
        drop(stopped);
        waiting.into_iter().for_each(|sender| sender.send(Ok(())));
    }
}

/// Stops a consumer, and keeps the broker open for as long as it is there.
pub(super) struct Control {
    pub(super) seat: Arc<Seat>,
    pub(super) _broker: Arc<dyn Any + Send + Sync>,
}

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        let mut stopped = self.seat.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.yes {
            return Ack::ready(Ok(()));
        }
        let (sender, ack) = Ack::waiting();
        stopped.waiting.push(sender);
        drop(stopped);
        self.seat.stopping.store(true, Ordering::Release);
        self.seat.changed.notify_one();
        ack
    }
}
