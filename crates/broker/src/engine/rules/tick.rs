//! The passing of time.

use std::time::Duration;

use skyloom_core::broker::Lease;

use crate::engine::{
    Engine, Output,
    state::{Due, Time},
};

impl<M> Engine<M> {
    /// Does everything that is due.
    pub(crate) fn tick(&mut self, out: &mut Vec<Output<M>>) {
        while let Some((_, (number, slot))) = self.timers.leases.pop(self.now) {
            self.check_lease(Lease { slot, number }, out);
        }
        while let Some((at, due)) = self.timers.others.pop(self.now) {
            match due {
                Due::Channel { slot, serial } => self.check_channel_timer(slot, serial, at, out),
                Due::Connection(conn) => self.check_silence(conn, out),
                Due::Inbox(inbox) => self.expire_inbox(inbox),
                Due::Session(session) => self.expire_session(session, out),
                Due::Contracts => self.forget_contracts(out),
                Due::Wait { conn, number } => self.note_overdue(conn, number),
            }
        }
    }

    /// Ends a lease whose time is over, and passes its holder over until it is heard. One that was
    /// extended gets a timer for its new end.
    fn check_lease(&mut self, lease: Lease, out: &mut Vec<Output<M>>) {
        let Some(held) = self.leases.get(lease) else { return };
        if held.deadline > self.now {
            self.timers.set_lease(held.deadline, lease);
            return;
        }
        let (holder, message) = (held.consumer, held.message);
        let time = self.consumers.get(holder).map_or(Duration::ZERO, |consumer| consumer.options.lease);
        let reason = format!("its lease of {time:?} ended before it was settled");
        self.pass_over(holder);
        self.count_timeout(message);
        self.lose(lease.slot, &reason, out);
    }

    fn check_channel_timer(&mut self, key: u32, serial: u64, at: Time, out: &mut Vec<Output<M>>) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.serial != serial || channel.wake != at {
            return;
        }
        channel.wake = Time::NEVER;
        if channel.detached {
            return;
        }
        let linger = if channel.ephemeral { self.limits.inbox_grace } else { self.limits.channel_idle };
        if !channel.is_attended() && channel.idle_since.after(linger) <= now {
            if channel.ephemeral {
                self.detach(key, out);
                return;
            }
            if channel.is_idle(now) {
                self.forget(key);
                return;
            }
        }
        while let Some(channel) = self.channels.get_mut(key)
            && let Some(entry) = channel.delayed.first_entry()
            && entry.key().0 <= now
        {
            let slot = entry.remove();
            self.wait(slot);
        }
        self.search_expired(key, out);
        self.stir(key);
        if let Some(channel) = self.channels.get(key) {
            let at = channel.next_timer(now, linger);
            self.arm(key, at);
        }
    }

    /// Sweeps out cancelled timers when there are many.
    #[inline]
    pub(crate) fn sweep_timers(&mut self) {
        let Self { timers, leases, channels, connections, inboxes, absent, jobs, directory, .. } = self;
        timers.leases.trim(|(number, slot)| leases.get(Lease { slot: *slot, number: *number }).is_some());
        timers.leases.sweep(|_, (number, slot)| leases.get(Lease { slot: *slot, number: *number }).is_some());
        timers.others.sweep(|at, due| match *due {
            Due::Channel { slot, serial } => {
                channels.get(slot).is_some_and(|channel| channel.serial == serial && channel.wake == at)
            }
            Due::Connection(conn) => connections.get(&conn).is_some_and(|connection| connection.watched),
            Due::Inbox(inbox) => inboxes.get(&inbox).is_some_and(|inbox| inbox.expires == at),
            Due::Contracts => directory.timed,
            Due::Session(session) => absent.contains_key(&session),
            Due::Wait { conn, number } => {
                let wait = jobs.as_ref().and_then(|jobs| jobs.pullers.get(&conn)?.waiting);
                wait.is_some_and(|wait| wait.number == number)
            }
        });
    }
}
