//! Which tubes a connection uses and watches.

use std::time::Duration;

use skyloom_core::broker::ConsumeOptions;

use crate::engine::{
    Conn, ConsumerId, Engine, JobAnswer, Output, TubeName,
    state::{ConsumerState, Private, Puller},
};

/// A job is tried until somebody buries it.
const OPTIONS: ConsumeOptions =
    ConsumeOptions { credit: u32::MAX, lease: Duration::from_secs(1), max_attempts: u32::MAX, ephemeral: false };

impl<M> Engine<M> {
    /// A connection begins to speak of jobs.
    pub(crate) fn begin(&mut self, conn: Conn) {
        if self.jobs.as_ref().is_none_or(|jobs| jobs.tubes.is_empty()) {
            self.keep_jobs(&[]);
        }
        let Some(tube) = self.make_default_tube() else { return };
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let consumer = ConsumerState {
            conn: Some(conn),
            session: connection.session,
            id: ConsumerId(0),
            channel: tube,
            options: OPTIONS,
            held: Vec::new(),
            streams: 0,
            active: false,
            queued: false,
            pulls: true,
            hung: false,
        };
        let Ok(consumer) = self.consumers.insert(consumer) else { return };
        connection.consumers.insert(ConsumerId(0), consumer);
        if let Some(jobs) = &mut self.jobs {
            jobs.pullers.insert(conn, Puller::new(consumer, tube));
        }
        if let Some(channel) = self.channels.get_mut(tube) {
            channel.tube.using += 1;
            channel.tube.watching += 1;
        }
    }

    /// The connection is gone, and its leases with it.
    pub(crate) fn leave_tubes(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        let Some(puller) = self.jobs.as_mut().and_then(|jobs| jobs.pullers.remove(&conn)) else { return };
        for key in puller.watched {
            self.unwatch(key, out);
        }
        self.unuse(puller.used);
    }

    pub(crate) fn use_tube(&mut self, conn: Conn, name: TubeName) -> JobAnswer<M> {
        let Some(key) = self.make_tube(&name) else { return JobAnswer::Full };
        if let Some(channel) = self.channels.get_mut(key) {
            channel.tube.using += 1;
        }
        if let Some(puller) = self.puller(conn) {
            let before = std::mem::replace(&mut puller.used, key);
            self.unuse(before);
        }
        JobAnswer::Using(name)
    }

    pub(crate) fn watch_tube(&mut self, conn: Conn, name: &TubeName, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let Some(key) = self.make_tube(name) else { return JobAnswer::Full };
        if let Some(Private::Inbox(inbox)) = self.private(key)
            && self.open_inbox(conn, inbox).is_err()
        {
            self.tidy(key);
            return JobAnswer::NotFound;
        }
        let Some(puller) = self.puller(conn) else { return JobAnswer::NotFound };
        let fresh = !puller.watched.contains(&key);
        if fresh {
            puller.watched.push(key);
        }
        let count = puller.watched.len();
        if let Some(channel) = self.channels.get_mut(key).filter(|_| fresh) {
            channel.tube.watching += 1;
        }
        if let Some(Private::Inbox(inbox)) = self.private(key) {
            self.flush_inbox(inbox, out);
        }
        JobAnswer::Watching(count)
    }

    pub(crate) fn ignore_tube(&mut self, conn: Conn, name: &TubeName, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let key = self.tube(name);
        let Some(puller) = self.puller(conn) else { return JobAnswer::NotFound };
        let place = key.and_then(|key| puller.watched.iter().position(|watched| *watched == key));
        let Some((key, place)) = key.zip(place) else { return JobAnswer::Watching(puller.watched.len()) };
        if puller.watched.len() < 2 {
            return JobAnswer::NotIgnored;
        }
        puller.watched.swap_remove(place);
        let count = puller.watched.len();
        if let Some(Private::Inbox(inbox)) = self.private(key) {
            self.close_inbox(conn, inbox);
        }
        self.unwatch(key, out);
        JobAnswer::Watching(count)
    }

    pub(crate) fn pause_tube(&mut self, name: &TubeName, time: Duration) -> JobAnswer<M> {
        let until = self.now.after(time);
        let Some(key) = self.tube(name) else { return JobAnswer::NotFound };
        let Some(channel) = self.channels.get_mut(key) else { return JobAnswer::NotFound };
        channel.paused_until = until;
        channel.tube.pause = time;
        channel.tube.pauses += 1;
        self.arm(key, until);
        self.stir(key);
        JobAnswer::Paused
    }

    /// The channel into which a connection puts jobs.
    pub(crate) fn used(&mut self, conn: Conn) -> Option<u32> {
        let used = self.puller(conn)?.used;
        let channel = self.channels.get(used)?;
        if !channel.detached {
            return Some(used);
        }
        // Somebody has removed it meanwhile, a group for instance: it is made anew.
        let name = channel.name.tube()?;
        self.use_tube(conn, name);
        self.puller(conn).map(|puller| puller.used)
    }

    pub(crate) fn puller(&mut self, conn: Conn) -> Option<&mut Puller> {
        self.jobs.as_mut()?.pullers.get_mut(&conn)
    }

    /// Whom a tube stands for.
    pub(crate) fn private(&self, key: u32) -> Option<Private> {
        self.channels.get(key)?.tube.private
    }

    /// What nobody has fetched from an inbox is lost with it.
    fn unwatch(&mut self, key: u32, out: &mut Vec<Output<M>>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.tube.watching -= 1;
        if channel.tube.watching == 0 && matches!(channel.tube.private, Some(Private::Inbox(_))) {
            self.detach(key, out);
        } else {
            self.leave(key, out);
        }
    }

    fn unuse(&mut self, key: u32) {
        if let Some(channel) = self.channels.get_mut(key) {
            channel.tube.using -= 1;
            self.tidy(key);
        }
    }
}
