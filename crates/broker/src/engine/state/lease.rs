//! Messages that are with a worker.

use skyloom_core::broker::Lease;

use super::{Table, Time};

/// One message in the hands of one consumer.
#[derive(Debug)]
pub(crate) struct Held {
    /// Unique in the engine's life, so that an old lease never opens a new one's slot.
    pub(crate) number: u64,
    pub(crate) deadline: Time,
    pub(crate) message: u32,
    pub(crate) consumer: u32,
    /// Its place in its consumer's list.
    pub(crate) position: u32,
    /// It is the message's last lease.
    pub(crate) once: bool,
    /// Its answer has begun, and may go on for as long as somebody listens.
    pub(crate) streams: bool,
}

/// All leases, found by slot and checked by number in constant time.
#[derive(Debug)]
pub(crate) struct Leases {
    held: Table<Held>,
    next: u64,
}

impl Leases {
    pub(crate) fn new(held: Table<Held>, next: u64) -> Self {
        Self { held, next }
    }

    /// The number that the next lease gets.
    pub(crate) const fn next_number(&self) -> u64 {
        self.next
    }

    /// Grants a lease; none if there are no slots left.
    pub(crate) fn grant(&mut self, message: u32, consumer: u32, position: u32, deadline: Time) -> Option<Lease> {
        let number = self.next;
        let held = Held { number, deadline, message, consumer, position, once: false, streams: false };
        let slot = self.held.insert(held).ok()?;
        self.next += 1;
        Some(Lease { slot, number })
    }

    /// What is held under this lease; none if it has ended.
    pub(crate) fn get(&self, lease: Lease) -> Option<&Held> {
        self.held.get(lease.slot).filter(|held| held.number == lease.number)
    }

    /// What is held in this slot by whatever lease.
    pub(crate) fn at(&self, slot: u32) -> Option<&Held> {
        self.held.get(slot)
    }

    /// As [`Leases::get`], to change it.
    pub(crate) fn get_mut(&mut self, lease: Lease) -> Option<&mut Held> {
        self.held.get_mut(lease.slot).filter(|held| held.number == lease.number)
    }

    /// What is held in this slot by whatever lease.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut Held> {
        self.held.get_mut(slot)
    }

    /// Ends whatever lease is in this slot.
    pub(crate) fn end(&mut self, slot: u32) -> Option<Held> {
        self.held.remove(slot)
    }

    /// All of them with their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Held)> {
        self.held.iter()
    }
}
