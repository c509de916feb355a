//! Finding messages whose time has run out while nobody took them.

use crate::engine::{
    Engine, Output,
    limits::{PURGE_BATCH, PURGE_REST},
    state::{Place, Time},
};

impl<M> Engine<M> {
    /// Looks through the next part of a channel's waiting messages, if one of them may have
    /// expired. A long queue takes several turns, so that no single step is long.
    pub(crate) fn search_expired(&mut self, key: u32, out: &mut Vec<Output<M>>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.search.is_none() && channel.next_expiry > self.now {
            return;
        }
        let (from, mut next) = match channel.search.take() {
            Some((place, next)) => (Some(place), next),
            None => {
                // What arrives from here on, ahead of the search or behind it, lowers it again.
                channel.next_expiry = Time::NEVER;
                (None, Time::NEVER)
            }
        };
        let first_turn = from.is_none();
        let mut expired: Vec<(Place, u32)> = Vec::new();
        let mut last = None;
        let mut looked_at = 0;
        for (place, slot) in channel.waiting.behind(from).take(PURGE_BATCH) {
            looked_at += 1;
            last = Some(place);
            match self.messages.get(slot).map_or(Time::NEVER, |message| message.expires) {
                expires if expires <= self.now => expired.push((place, slot)),
                expires => next = next.min(expires),
            }
        }
        match last {
            Some(place) if looked_at == PURGE_BATCH => channel.search = Some((place, next)),
            _ => {
                channel.next_expiry = channel.next_expiry.min(next);
                channel.rest_until = if first_turn { self.now } else { self.now.after(PURGE_REST) };
            }
        }
        for (place, _) in &expired {
            channel.waiting.remove(*place);
        }
        for (_, slot) in expired {
            self.expire(slot, out);
        }
    }
}
