//! How jobs come in.

use skyloom_core::{Channel, Guid};

use crate::engine::{
    Conn, Engine, JobAnswer, Message, Output, Ticket,
    state::{JobFacts, Private},
};

impl<M: Clone> Engine<M> {
    /// Puts a job into the tube that a connection uses. What is put into an inbox is a reply, what
    /// is put into an instance's channel is for that instance.
    pub(crate) fn put(
        &mut self,
        conn: Conn,
        ttr: u32,
        last: bool,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) -> JobAnswer<M> {
        let Some(key) = self.used(conn) else { return JobAnswer::Full };
        match self.private(key) {
            Some(Private::Inbox(inbox)) => self.put_reply(conn, inbox, last, message, out),
            Some(Private::Instance(guid)) => self.put_for(conn, guid, message, out),
            None => self.put_into(key, ttr.max(1), message, out),
        }
    }

    /// What an inbox hears waits in its tube. Without room for it, or without a tube, it is lost.
    pub(crate) fn deposit(&mut self, conn: Conn, message: Message<M>, out: &mut Vec<Output<M>>) {
        let inbox = message.reply_to.unwrap_or_default();
        let watched = self.puller(conn).map_or_else(Vec::new, |puller| puller.watched.clone());
        let tube = watched.into_iter().find(|key| self.private(*key) == Some(Private::Inbox(inbox)));
        let message = Message { reply_to: None, ..message };
        let ttr = self.limits.inbox_grace.as_secs().try_into().unwrap_or(u32::MAX);
        let kept = tube.is_some_and(|key| matches!(self.put_into(key, ttr, message, out), JobAnswer::Inserted(_)));
        self.lost_replies += u64::from(!kept);
    }

    fn put_into(&mut self, key: u32, ttr: u32, message: Message<M>, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        if message.size > self.limits.message_bytes {
            return JobAnswer::TooBig;
        }
        let room = self.check_broker(message.size, 1).and_then(|()| self.check_channel(key, message.size, out));
        if room.is_err() {
            return JobAnswer::Full;
        }
        let (delay, id) = (message.delay, self.next_seq);
        let Some(slot) = self.store(key, message) else { return JobAnswer::Full };
        let seconds = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
        if let Some(facts) = self.jobs.as_mut().and_then(|jobs| jobs.facts_mut(id)) {
            *facts = JobFacts::new(ttr, seconds);
        }
        if delay.is_zero() {
            self.place(key, slot, out);
        } else {
            self.hold_back(slot, self.now.after(delay));
        }
        JobAnswer::Inserted(id)
    }

    /// Only who holds a request's lease can answer it, and only once.
    fn put_reply(
        &mut self,
        conn: Conn,
        inbox: Guid,
        last: bool,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) -> JobAnswer<M> {
        match self.asked(conn, inbox, message.id) {
            Some(slot) => {
                let more = self.reply(inbox, message.id, message.body, out) && !last;
                if let Some(request) = self.messages.get_mut(slot).filter(|_| !more) {
                    request.reply_to = None;
                }
            }
            None => self.lost_replies += 1,
        }
        self.use_up_number()
    }

    /// The request with this GUID that a connection holds and that awaits its reply here.
    fn asked(&mut self, conn: Conn, inbox: Guid, call: Guid) -> Option<u32> {
        let consumer = self.puller(conn)?.consumer;
        let held = &self.consumers.get(consumer)?.held;
        let mut messages = held.iter().filter_map(|slot| self.leases.at(*slot)).map(|held| held.message);
        messages.find(|slot| {
            let asked =
                |message: &crate::engine::state::Stored<M>| message.reply_to == Some(inbox) && message.id == call;
            self.messages.get(*slot).is_some_and(asked)
        })
    }

    fn put_for(&mut self, conn: Conn, guid: Guid, message: Message<M>, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let channel = Channel::Instance(guid);
        if !self.names.contains_key(&channel) {
            return JobAnswer::NotFound;
        }
        self.enqueue(conn, Ticket::NONE, channel, message, out);
        self.use_up_number()
    }

    /// The number of a job that nobody will see.
    fn use_up_number(&mut self) -> JobAnswer<M> {
        self.waste_number();
        JobAnswer::Inserted(self.next_seq - 1)
    }

    pub(crate) fn waste_number(&mut self) {
        self.next_seq += 1;
    }
}
