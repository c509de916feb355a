//! What the model does.

use crate::{
    event::{Event, Kind},
    model::{
        CHANNEL_BYTES, CHANNEL_MESSAGES, CREDIT, Channel, Consumer, GRACE, Inbox, MAX_ATTEMPTS, MESSAGE_BYTES, Message,
        Model, NEVER, Place, TOTAL_BYTES,
    },
    transition::{How, Label, Sent, Transition, Where},
};

type Result<T = ()> = std::result::Result<T, Kind>;

/// The body of the reply to a message, and of its partial replies.
pub(crate) const REPLY: u32 = 1_000_000;
pub(crate) const PARTIAL: u32 = 2_000_000;

impl Model {
    pub(crate) fn apply(&mut self, transition: &Transition) {
        self.said.clear();
        transition.speaker().into_iter().for_each(|conn| self.hear(conn));
        match *transition {
            Transition::Connect { session } => self.connect(session),
            Transition::Pass(time) => self.tick(time),
            Transition::Lag(time) => self.now += time,
            Transition::Restart => self.restart(),
            Transition::Disconnect { conn } => self.disconnect(conn),
            _ => self.ask(transition),
        }
        self.deliver();
    }

    /// What is asked for by a connection, and answered if it is known.
    fn ask(&mut self, transition: &Transition) {
        let (conn, result) = match *transition {
            Transition::OpenInbox { conn, inbox } => return self.open_inbox(conn, inbox),
            Transition::CloseInbox { conn, inbox } => return self.close_inbox(conn, inbox),
            Transition::Kick { conn, channel } => return self.dead_letters(conn, channel, Place::Waiting),
            Transition::DropDead { conn, channel } => return self.dead_letters(conn, channel, Place::Gone),
            Transition::Enqueue { conn, .. } | Transition::Publish { conn, .. } if !self.conns.contains_key(&conn) => {
                self.next_id += 1;
                return;
            }
            Transition::Enqueue { conn, to, sent } => (conn, self.enqueue(to, sent)),
            Transition::Publish { conn, sent } => (conn, self.publish(sent)),
            Transition::Consume { conn, consumer, from, credit, lease, ephemeral } => {
                (conn, self.consume((conn, consumer), from, (credit, lease), ephemeral))
            }
            Transition::Stop { conn, consumer } => {
                let stopped = self.consumer(conn, consumer);
                stopped.into_iter().for_each(|consumer| self.leave(&[consumer]));
                (conn, Ok(()))
            }
            Transition::Unsubscribe { conn, group } => {
                let known = self.conns.contains_key(&conn);
                let channel = self.named(Where::Group(group)).filter(|_| known);
                channel.into_iter().for_each(|channel| self.detach(channel));
                (conn, Ok(()))
            }
            Transition::Settle { conn, label, how } => (conn, self.settle(conn, label, how)),
            Transition::Partial { conn, label } => (conn, self.partial(conn, label)),
            Transition::Extend { conn, label } => (conn, self.extend(conn, label)),
            Transition::Once { conn, label } => (conn, self.once(conn, label)),
            Transition::Pause { conn, channel, time } => (conn, self.pause(conn, channel, time)),
            _ => return,
        };
        if self.conns.contains_key(&conn) {
            self.said.push(Event::Done { conn, result });
        }
    }

    /// Who speaks does not hang.
    fn hear(&mut self, conn: u64) {
        let of_conn = |index: &usize| self.consumers[*index].conn == Some(conn) && !self.consumers[*index].gone;
        let mut hung: Vec<usize> = (0..self.consumers.len()).filter(of_conn).collect();
        hung.retain(|index| std::mem::take(&mut self.consumers[*index].hung));
        hung.sort_unstable_by_key(|index| self.consumers[*index].id);
        hung.into_iter().for_each(|index| self.queue_up(index));
    }

    fn connect(&mut self, session: u8) {
        let conn = self.next_conn;
        self.next_conn += 1;
        self.conns.insert(conn, session);
        if self.absent.remove(&session).is_some() {
            for index in 0..self.consumers.len() {
                let holds = !self.held(index).is_empty();
                let consumer = &mut self.consumers[index];
                if consumer.session == session && consumer.conn.is_none() && !consumer.gone {
                    consumer.conn = Some(conn);
                    consumer.gone = !holds;
                }
            }
        }
    }

    fn disconnect(&mut self, conn: u64) {
        self.conns.remove(&conn);
        for inbox in self.inboxes.values_mut().filter(|inbox| inbox.conn == Some(conn)) {
            (inbox.conn, inbox.expires) = (None, self.now + GRACE);
        }
        let of_conn = |index: &usize| self.consumers[*index].conn == Some(conn) && !self.consumers[*index].gone;
        self.dismiss((0..self.consumers.len()).filter(of_conn).collect());
    }

    /// These consumers are gone, and what they hold has failed.
    fn dismiss(&mut self, consumers: Vec<usize>) {
        let active: Vec<usize> = consumers.iter().copied().filter(|index| self.consumers[*index].active).collect();
        for index in &consumers {
            self.deactivate(*index);
        }
        for index in &consumers {
            for message in self.held(*index) {
                self.lose(message);
            }
            self.consumers[*index].gone = true;
        }
        for index in active {
            self.vanish(self.consumers[index].channel);
        }
    }

    fn leave(&mut self, consumers: &[usize]) {
        for index in consumers {
            if self.consumers[*index].active {
                self.deactivate(*index);
                self.vanish(self.consumers[*index].channel);
            }
        }
    }

    fn deactivate(&mut self, index: usize) {
        let consumer = &mut self.consumers[index];
        if std::mem::take(&mut consumer.active) {
            self.channels[consumer.channel].rotation.retain(|other| *other != index);
        }
        let holds = !self.held(index).is_empty();
        self.consumers[index].gone |= !holds && self.consumers[index].conn.is_some();
    }

    /// An ephemeral channel without a consumer is gone.
    fn vanish(&mut self, channel: usize) {
        let state = &self.channels[channel];
        if state.ephemeral && state.name.is_some() && self.active_consumers(channel) == 0 {
            self.detach(channel);
        }
    }

    fn detach(&mut self, channel: usize) {
        self.channels[channel].name = None;
        self.groups.retain(|group| *group != channel);
        for index in 0..self.consumers.len() {
            if self.consumers[index].active && self.consumers[index].channel == channel {
                self.deactivate(index);
            }
        }
        for index in 0..self.messages.len() {
            let message = &self.messages[index];
            if message.channel == channel && !matches!(message.place, Place::Leased { .. } | Place::Gone) {
                self.abandon(index);
            }
        }
    }

    fn abandon(&mut self, index: usize) {
        let error = match self.messages[index].attempts {
            0 if self.channels[self.messages[index].channel].instance => "gone",
            0 => "unavailable",
            _ => "lost",
        };
        self.give_up(index, error);
    }

    fn give_up(&mut self, index: usize, error: Kind) {
        self.end(index, Place::Gone);
        self.refuse(index, error);
    }

    fn refuse(&mut self, index: usize, error: Kind) {
        let (inbox, message) = (self.messages[index].reply_to.take(), self.messages[index].id);
        if let Some(inbox) = inbox {
            self.tell(inbox, Event::Refused { conn: 0, inbox, message, error });
        }
    }

    fn tell(&mut self, inbox: u8, mut event: Event) {
        match self.inboxes.get_mut(&inbox) {
            Some(Inbox { conn: Some(to), .. }) => {
                let (Event::Refused { conn, .. } | Event::Reply { conn, .. }) = &mut event else { return };
                *conn = *to;
                self.said.push(event);
            }
            Some(state) => state.backlog.push(event),
            None => self.lost_replies += u64::from(matches!(event, Event::Reply { .. })),
        }
    }

    fn open_inbox(&mut self, conn: u64, inbox: u8) {
        let Some(session) = self.conns.get(&conn).copied() else { return };
        let fresh = Inbox { session, conn: None, expires: NEVER, backlog: Vec::new() };
        let state = self.inboxes.entry(inbox).or_insert(fresh);
        if state.session != session {
            self.said.push(Event::Done { conn, result: Err("refused") });
            return;
        }
        (state.conn, state.expires) = (Some(conn), NEVER);
        self.said.push(Event::Done { conn, result: Ok(()) });
        for event in std::mem::take(&mut state.backlog) {
            self.tell(inbox, event);
        }
    }

    fn close_inbox(&mut self, conn: u64, inbox: u8) {
        if self.inboxes.get(&inbox).is_some_and(|state| state.conn == Some(conn)) {
            self.inboxes.remove(&inbox);
        }
    }

    fn dead_letters(&mut self, conn: u64, channel: Where, place: Place) {
        if !self.conns.contains_key(&conn) {
            return;
        }
        let channel = self.named(channel);
        let mut count = 0;
        for message in &mut self.messages {
            if Some(message.channel) == channel && message.place == Place::Dead {
                (message.place, message.attempts) = (place, 0);
                count += 1;
            }
        }
        self.said.push(Event::Count { conn, count });
    }

    fn enqueue(&mut self, to: Where, sent: Sent) -> Result {
        let id = self.next_id;
        self.next_id += 1;
        let accepted = self.open(to, sent.size);
        match accepted {
            Ok(channel) => self.accept(id, channel, sent),
            Err(error) => {
                if let Some(inbox) = sent.reply_to {
                    self.tell(inbox, Event::Refused { conn: 0, inbox, message: id, error });
                }
            }
        }
        accepted.map(|_| ())
    }

    fn open(&mut self, to: Where, size: usize) -> Result<usize> {
        self.check_broker(size, 1)?;
        let channel = match (self.named(to), to) {
            (Some(channel), _) => channel,
            (None, Where::Queue(_)) => self.make_channel(to, false),
            (None, Where::Instance) => return Err("gone"),
            (None, _) => return Err("refused"),
        };
        self.check_channel(channel, size).map(|()| channel)
    }

    fn publish(&mut self, sent: Sent) -> Result {
        let id = self.next_id;
        self.next_id += 1;
        let groups = self.groups.clone();
        let checked = self.check_broker(sent.size, groups.len());
        let checked =
            groups.iter().fold(checked, |checked, group| checked.and_then(|()| self.check_channel(*group, sent.size)));
        match checked {
            Ok(()) => groups.into_iter().for_each(|group| self.accept(id, group, Sent { reply_to: None, ..sent })),
            Err(error) => {
                if let Some(inbox) = sent.reply_to {
                    self.tell(inbox, Event::Refused { conn: 0, inbox, message: id, error });
                }
            }
        }
        checked
    }

    fn check_broker(&self, size: usize, copies: usize) -> Result {
        if size > MESSAGE_BYTES {
            return Err("too large");
        }
        if self.bytes(None) + size * copies > TOTAL_BYTES { Err("full") } else { Ok(()) }
    }

    fn check_channel(&mut self, channel: usize, size: usize) -> Result {
        let full = |model: &Self| {
            model.present(Some(channel)).count() >= CHANNEL_MESSAGES
                || model.bytes(Some(channel)) + size > CHANNEL_BYTES
        };
        if full(self) {
            self.expire(channel);
        }
        while size <= CHANNEL_BYTES && full(self) && self.forget_told(channel) {}
        if full(self) { Err("full") } else { Ok(()) }
    }

    /// Drops the oldest dead letter whose caller knows. Returns whether there was one.
    fn forget_told(&mut self, channel: usize) -> bool {
        let there =
            self.messages.iter_mut().filter(|message| message.channel == channel && message.place == Place::Dead);
        let oldest = there.filter(|message| message.told.is_some()).min_by_key(|message| message.told);
        oldest.map(|message| message.place = Place::Gone).is_some()
    }

    /// Drops what has expired while it waited.
    fn expire(&mut self, channel: usize) {
        for index in 0..self.messages.len() {
            let message = &self.messages[index];
            if message.channel == channel && message.place == Place::Waiting && message.expires <= self.now {
                self.drop_expired(index);
            }
        }
    }

    fn drop_expired(&mut self, index: usize) {
        let error = if self.messages[index].attempts == 0 { "expired" } else { "lost" };
        self.give_up(index, error);
    }

    fn accept(&mut self, id: u32, channel: usize, sent: Sent) {
        let expires = sent.time_to_live.map_or(NEVER, |time| self.now + time);
        let place = self.delayed(sent.delay, expires);
        let Sent { reply_to, priority, size, .. } = sent;
        self.messages.push(Message {
            id,
            channel,
            priority,
            size,
            attempts: 0,
            losses: 0,
            told: None,
            expires,
            reply_to,
            place,
        });
    }

    fn delayed(&self, delay: u64, expires: u64) -> Place {
        if delay == 0 { Place::Waiting } else { Place::Delayed(expires.min(self.now + delay)) }
    }

    fn make_channel(&mut self, name: Where, ephemeral: bool) -> usize {
        if let Some(channel) = self.named(name) {
            return channel;
        }
        let instance = name == Where::Instance;
        let ephemeral = ephemeral || instance;
        let (paused_until, rotation, lingers_until) = (0, Vec::new(), NEVER);
        self.channels.push(Channel { name: Some(name), instance, ephemeral, paused_until, rotation, lingers_until });
        let channel = self.channels.len() - 1;
        if let Where::Group(_) = name {
            self.groups.push(channel);
        }
        channel
    }

    fn consumer(&self, conn: u64, id: u32) -> Option<usize> {
        self.consumers.iter().position(|consumer| consumer.conn == Some(conn) && consumer.id == id && !consumer.gone)
    }

    fn consume(&mut self, (conn, id): (u64, u32), from: Where, (credit, lease): (u32, u64), ephemeral: bool) -> Result {
        let Some(session) = self.conns.get(&conn).copied() else { return Ok(()) };
        let known = self.consumer(conn, id);
        if credit == 0 || credit > CREDIT || known.is_some_and(|index| self.consumers[index].active) {
            return Err("refused");
        }
        let foreign = |consumer: &Consumer| {
            consumer.active && Some(consumer.channel) == self.named(from) && consumer.session != session
        };
        if from == Where::Instance && self.consumers.iter().any(foreign) {
            return Err("refused");
        }
        let channel = self.make_channel(from, ephemeral);
        let (conn, active, hung, gone) = (Some(conn), true, false, false);
        let consumer = Consumer { conn, session, id, channel, credit, lease, active, hung, gone };
        let index = match known {
            Some(index) => {
                self.consumers[index] = consumer;
                index
            }
            None => {
                self.consumers.push(consumer);
                self.consumers.len() - 1
            }
        };
        self.queue_up(index);
        Ok(())
    }

    /// A consumer that may be handed messages joins the end of its channel's rotation if it is not in it.
    fn queue_up(&mut self, index: usize) {
        let consumer = &self.consumers[index];
        let free = !self.is_wary(consumer.channel) || !self.is_busy(index);
        let credit = consumer.active && !consumer.hung && free && self.held(index).len() < consumer.credit as usize;
        let rotation = &mut self.channels[consumer.channel].rotation;
        if credit && !rotation.contains(&index) {
            rotation.push(index);
        }
    }

    fn settle(&mut self, conn: u64, label: Label, how: How) -> Result {
        let index = self.leased(conn, label).ok_or("stale")?;
        match how {
            How::Retry(delay) => {
                // Its worker has survived it.
                self.end(index, self.messages[index].place);
                self.fail(index, delay);
            }
            How::Release => match self.end_lease(index) {
                true => self.bury(index, "lost"),
                false => self.give_back(index, 0),
            },
            How::Reply => {
                self.end_lease(index);
                self.end(index, Place::Gone);
                if let Some(inbox) = self.messages[index].reply_to {
                    self.tell(inbox, Event::Reply { conn: 0, inbox, body: REPLY + self.messages[index].id });
                }
            }
            How::Done => {
                self.end_lease(index);
                self.end(index, Place::Gone);
            }
            How::Bury => {
                self.end_lease(index);
                self.messages[index].attempts += 1;
                self.bury(index, "dead");
            }
        }
        Ok(())
    }

    fn partial(&mut self, conn: u64, label: Label) -> Result {
        let index = self.leased(conn, label).ok_or("stale")?;
        if let Some(inbox) = self.messages[index].reply_to {
            self.tell(inbox, Event::Reply { conn: 0, inbox, body: PARTIAL + self.messages[index].id });
        }
        if let Place::Leased { holder, streams, .. } = &mut self.messages[index].place
            && !std::mem::replace(streams, true)
        {
            let holder = *holder;
            self.queue_up(holder);
        }
        Ok(())
    }

    fn pause(&mut self, conn: u64, channel: Where, time: u64) -> Result {
        let channel = self.named(channel).filter(|_| self.conns.contains_key(&conn)).ok_or("refused")?;
        self.channels[channel].paused_until = self.now + time;
        Ok(())
    }

    fn extend(&mut self, conn: u64, label: Label) -> Result {
        let index = self.leased(conn, label).ok_or("stale")?;
        if let Place::Leased { holder, deadline, .. } = &mut self.messages[index].place {
            *deadline = (*deadline).max(self.now + self.consumers[*holder].lease);
        }
        let is_read = self.messages[index].reply_to.is_some_and(|inbox| self.inboxes.contains_key(&inbox));
        if matches!(self.messages[index].place, Place::Leased { streams: true, .. }) && !is_read {
            return Err("refused");
        }
        Ok(())
    }

    fn once(&mut self, conn: u64, label: Label) -> Result {
        let index = self.leased(conn, label).ok_or("stale")?;
        if let Place::Leased { once, .. } = &mut self.messages[index].place {
            *once = true;
        }
        Ok(())
    }

    /// Ends a lease. Returns whether it was the message's last.
    fn end_lease(&mut self, index: usize) -> bool {
        let Place::Leased { holder, once, .. } = self.messages[index].place else { return false };
        self.messages[index].place = Place::Waiting;
        self.queue_up(holder);
        let over = !self.consumers[holder].active && self.held(holder).is_empty();
        self.consumers[holder].gone |= over && self.consumers[holder].conn.is_some();
        once
    }

    fn fail(&mut self, index: usize, delay: u64) {
        let once = self.end_lease(index);
        self.messages[index].attempts += 1;
        if once {
            self.bury(index, "lost");
        } else if self.messages[index].attempts >= MAX_ATTEMPTS {
            self.bury(index, "dead");
        } else {
            self.give_back(index, delay);
        }
    }

    /// Nothing is heard any more of whoever holds it.
    fn lose(&mut self, index: usize) {
        let channel = self.messages[index].channel;
        let was_wary = self.is_wary(channel);
        self.messages[index].losses += 1;
        if self.is_wary(channel) && !was_wary {
            let idle = |holder: &usize| !self.is_busy(*holder);
            let idle = self.channels[channel].rotation.iter().copied().filter(idle).collect();
            self.channels[channel].rotation = idle;
        }
        self.fail(index, 0);
    }

    /// It has been dealt with, or is a dead letter, or its worker says what has become of it.
    fn end(&mut self, index: usize, place: Place) {
        let channel = self.messages[index].channel;
        let was_wary = self.is_wary(channel);
        self.messages[index].losses = 0;
        if was_wary && !self.is_wary(channel) {
            let ours = |index: &usize| self.consumers[*index].channel == channel && self.consumers[*index].active;
            let mut consumers: Vec<usize> = (0..self.consumers.len()).filter(ours).collect();
            consumers.sort_by_key(|index| (self.consumers[*index].conn, self.consumers[*index].id));
            consumers.into_iter().for_each(|index| self.queue_up(index));
        }
        self.messages[index].place = place;
    }

    fn give_back(&mut self, index: usize, delay: u64) {
        if self.channels[self.messages[index].channel].name.is_none() {
            self.abandon(index);
        } else {
            self.messages[index].place = self.delayed(delay, self.messages[index].expires);
        }
    }

    fn bury(&mut self, index: usize, error: Kind) {
        let detached = self.channels[self.messages[index].channel].name.is_none();
        self.end(index, if detached { Place::Gone } else { Place::Dead });
        self.messages[index].expires = NEVER;
        self.messages[index].told = self.messages[index].reply_to.map(|_| self.next_told);
        self.next_told += 1;
        self.refuse(index, error);
    }

    /// Whose lease has run out gets nothing more until he is heard.
    fn pass_over(&mut self, index: usize) {
        let Place::Leased { holder, .. } = self.messages[index].place else { return };
        let consumer = &mut self.consumers[holder];
        consumer.hung = consumer.conn.is_some();
        if consumer.hung {
            self.channels[consumer.channel].rotation.retain(|other| *other != holder);
        }
    }

    fn tick(&mut self, time: u64) {
        self.now += time;
        let now = self.now;
        let mut ended: Vec<(u64, u64, usize)> = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            if let Place::Leased { deadline, number, .. } = message.place
                && deadline <= now
            {
                ended.push((deadline, number, index));
            }
        }
        ended.sort_unstable();
        for (_, _, index) in ended {
            self.pass_over(index);
            self.lose(index);
        }
        let expired: Vec<u8> = self.absent.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        for session in expired {
            self.absent.remove(&session);
            let lost = |consumer: &Consumer| consumer.session == session && consumer.conn.is_none() && !consumer.gone;
            self.dismiss((0..self.consumers.len()).filter(|index| lost(&self.consumers[*index])).collect());
        }
        for channel in 0..self.channels.len() {
            if self.channels[channel].lingers_until <= now {
                self.vanish(channel);
            }
        }
        for message in &mut self.messages {
            if matches!(message.place, Place::Delayed(until) if until <= now) {
                message.place = Place::Waiting;
            }
        }
        for channel in 0..self.channels.len() {
            self.expire(channel);
        }
        let lost = |inbox: &Inbox| inbox.backlog.iter().filter(|event| matches!(event, Event::Reply { .. })).count();
        let gone = self.inboxes.values().filter(|inbox| inbox.expires <= now);
        self.lost_replies += gone.map(lost).sum::<usize>() as u64;
        self.inboxes.retain(|_, inbox| inbox.expires > now);
    }

    /// Nobody is connected any more. Who holds leases or inboxes has time to come back.
    fn restart(&mut self) {
        self.messages.iter_mut().for_each(|message| message.losses = 0);
        self.conns.clear();
        self.absent.clear();
        for inbox in self.inboxes.values_mut() {
            (inbox.conn, inbox.expires) = (None, self.now + GRACE);
        }
        for index in 0..self.consumers.len() {
            let holds = !self.held(index).is_empty();
            let consumer = &mut self.consumers[index];
            (consumer.conn, consumer.active, consumer.hung) = (None, false, false);
            consumer.gone |= !holds;
            if !consumer.gone {
                self.absent.insert(consumer.session, self.now + GRACE);
            }
        }
        for channel in &mut self.channels {
            channel.rotation.clear();
            channel.lingers_until = self.now + GRACE;
        }
        self.groups.sort_by_key(|group| self.channels[*group].name);
    }

    /// Hands out what can be handed out.
    fn deliver(&mut self) {
        for channel in 0..self.channels.len() {
            while let Some(index) = self.next(channel) {
                if self.messages[index].expires <= self.now {
                    self.drop_expired(index);
                } else {
                    self.hand_out(channel, index);
                }
            }
        }
    }

    fn next(&self, channel: usize) -> Option<usize> {
        let state = &self.channels[channel];
        let waits =
            |index: &usize| self.messages[*index].channel == channel && self.messages[*index].place == Place::Waiting;
        let eager = !state.rotation.is_empty() && state.paused_until <= self.now;
        let waiting = (0..self.messages.len()).filter(waits).filter(|_| eager);
        waiting.min_by_key(|index| (self.messages[*index].priority, *index))
    }

    fn hand_out(&mut self, channel: usize, index: usize) {
        let holder = self.channels[channel].rotation.remove(0);
        let Consumer { conn: Some(conn), id: consumer, lease, .. } = self.consumers[holder] else { return };
        let granted = self.granted.entry((conn, consumer)).or_default();
        let label = Label { conn, consumer, nth: *granted };
        *granted += 1;
        let number = self.next_lease;
        self.next_lease += 1;
        let message = &mut self.messages[index];
        message.place =
            Place::Leased { holder, label, number, deadline: self.now + lease, once: false, streams: false };
        self.said.push(Event::Deliver { conn, consumer, message: message.id, attempt: message.attempts + 1 });
        self.queue_up(holder);
    }
}
