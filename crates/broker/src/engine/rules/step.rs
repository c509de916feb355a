//! One step.

use std::time::Duration;

use crate::engine::{AdminCommand, Conn, Engine, Input, Output, Ticket, state::Time};

impl<M: Clone> Engine<M> {
    /// Takes one input at a time on the driver's clock, which never runs backwards, and adds what
    /// is to be done, in order, to `out`.
    pub fn step(&mut self, now: Duration, input: Input<M>, out: &mut Vec<Output<M>>) {
        self.now = self.now.max(Time::from(now));
        match input {
            Input::Tick => {
                self.tick(out);
                // What has come in time ends a wait before its time does.
                self.deliver_stirred(out);
                self.end_waits(out);
            }
            Input::Connect { conn, session } => self.connect(conn, session, out),
            Input::Disconnect(conn) => {
                self.return_jobs(conn, out);
                self.disconnect(conn, out);
            }
            input => {
                if input.conn().is_some_and(|conn| self.hear(conn, out)) {
                    self.handle(input, out);
                }
            }
        }
        self.deliver_stirred(out);
        self.sweep_timers();
    }

    fn handle(&mut self, input: Input<M>, out: &mut Vec<Output<M>>) {
        let (conn, ticket, result) = match input {
            Input::Enqueue { conn, ticket, channel, message } => {
                return self.enqueue(conn, ticket, channel, message, out);
            }
            Input::Publish { conn, ticket, topic, message } => return self.publish(conn, ticket, &topic, message, out),
            Input::OpenInbox { conn, ticket, inbox } => {
                let opened = self.open_inbox(conn, inbox);
                let fresh = opened.is_ok();
                Self::done(conn, ticket, opened, out);
                if fresh {
                    self.flush_inbox(inbox, out);
                }
                return;
            }
            Input::CloseInbox { conn, inbox } => return self.close_inbox(conn, inbox),
            Input::Watch { conn } => return self.watch(conn, out),
            Input::Admin { conn, ticket, command } => return self.order(conn, ticket, command, out),
            Input::Job { conn, command } => return self.job(conn, command, out),
            Input::Settle { conn, ticket, lease, settle } => (conn, ticket, self.settle(conn, lease, settle, out)),
            Input::Partial { conn, ticket, lease, body } => (conn, ticket, self.partial(conn, lease, body, out)),
            Input::Extend { conn, ticket, lease } => (conn, ticket, self.extend(conn, lease)),
            Input::Once { conn, ticket, lease } => (conn, ticket, self.once(conn, lease)),
            Input::Consume { conn, ticket, consumer, channel, options } => {
                (conn, ticket, self.consume(conn, consumer, channel, options))
            }
            Input::Stop { conn, ticket, consumer } => {
                self.stop(conn, consumer, out);
                (conn, ticket, Ok(()))
            }
            Input::Unsubscribe { conn, ticket, topic, group } => {
                self.unsubscribe(topic, group, out);
                (conn, ticket, Ok(()))
            }
            Input::Register { conn, ticket, instance, contracts } => {
                (conn, ticket, self.register(conn, *instance, contracts, out))
            }
            Input::Deregister { conn, ticket, instance } => {
                self.deregister(conn, instance, out);
                (conn, ticket, Ok(()))
            }
            Input::Connect { .. } | Input::Disconnect(_) | Input::Heard(_) | Input::Tick => return,
        };
        Self::done(conn, ticket, result, out);
    }

    fn order(&mut self, conn: Conn, ticket: Ticket, command: AdminCommand, out: &mut Vec<Output<M>>) {
        match self.admin(command, out) {
            Ok(Some(answer)) => out.push(Output::Admin { conn, ticket, answer }),
            Ok(None) => Self::done(conn, ticket, Ok(()), out),
            Err(error) => Self::done(conn, ticket, Err(error), out),
        }
    }
}
