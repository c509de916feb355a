//! Keeps one process running for as long as the cluster has it.

use std::{env, future::pending, net::TcpListener, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    backoff::{Backoff, LONGEST, OFTEN, STEADY, Word},
    board::Place,
    life::{Edition, Event, Life, SLOW},
    logs::Logs,
    probe::{Brokers, Probe},
    signals::{Wish, wished},
};
use crate::text::span;

/// So many processes that were replaced may still be finishing their work; another replacement waits.
const LEAVING: usize = 2;

/// What is wished of a supervisor. It may change at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duty {
    /// What is to run. Another one takes the place of the one before when it is ready.
    pub(super) edition: Edition,
    /// The parts that must be ready before it starts for the first time.
    pub(super) after: Vec<String>,
}

/// Why the cluster cannot go on.
#[derive(Debug)]
pub(super) struct GivenUp {
    /// The process without which it cannot, if it is for one.
    pub(super) process: Option<String>,
    /// What became of it.
    pub(super) sentence: String,
}

/// One process and all that is needed to keep it running.
pub(super) struct Supervisor {
    /// The process's name, such as `qr.2`.
    pub(super) name: String,
    /// What is wished.
    pub(super) duty: watch::Receiver<Duty>,
    /// What was wished when a process was started last.
    pub(super) edition: Edition,
    /// How to tell that it is ready.
    pub(super) probe: Probe,
    /// The socket that is handed to it.
    pub(super) socket: Option<Arc<TcpListener>>,
    /// Where its output goes.
    pub(super) logs: Logs,
    /// Where its state is noted.
    pub(super) place: Place,
    /// The cluster's broker.
    pub(super) brokers: Brokers,
    /// Takes the reason if the cluster cannot do without it and it cannot even start.
    pub(super) give_up: Option<mpsc::Sender<GivenUp>>,
}

/// The process that does the work, the one that is to take its place, and those that have given it up.
#[derive(Default)]
struct Lives {
    current: Option<Life>,
    next: Option<Life>,
    leaving: JoinSet<()>,
}

/// What the supervisor has to see to.
enum Turn {
    Current(Event),
    Next(Event),
    Another,
    Left,
    Stop,
}

/// That nothing runs, and why.
struct Fall<'a> {
    /// How it ended, or that it cannot be started.
    how: &'a str,
    /// How long it ran; none if it cannot be started.
    ran: Option<Duration>,
    /// Whether it, or one before it, was ready.
    was_ready: bool,
}

impl Supervisor {
    /// Runs until it is wished that it stops, and then until it has.
    pub(super) async fn run(mut self, mut wish: watch::Receiver<Wish>) {
        tokio::select! {
            biased; // What it waits for may be taken out together with it.
            () = wished(&mut wish, Wish::Drain) => return,
            () = self.may_start() => {}
        }
        let mut lives = Lives::default();
        self.keep_running(&mut lives, &mut wish).await;
        // From now on nobody is to wait in it.
        self.socket = None;
        for life in lives.current.take().into_iter().chain(lives.next.take()) {
            lives.leaving.spawn(life.stop(self.logs.clone(), wish.clone()));
        }
        while lives.leaving.join_next().await.is_some() {}
        self.place.ended(Vec::new());
    }

    /// Resolves when all that it comes after is ready.
    async fn may_start(&mut self) {
        loop {
            let after = self.duty.borrow_and_update().after.clone();
            tokio::select! {
                () = self.place.board().parts_ready(&after) => return,
                Ok(()) = self.duty.changed() => {}
            }
        }
    }

    async fn keep_running(&mut self, lives: &mut Lives, wish: &mut watch::Receiver<Wish>) {
        let mut backoff = Backoff::default();
        let mut was_ready = false;
        loop {
            if lives.current.is_none() {
                // It starts as the newest there is.
                self.edition = self.duty.borrow().edition.clone();
                match Life::start(&self.edition, self.socket.as_deref(), &self.logs) {
                    Ok(life) => {
                        self.started(&life, "is started", &backoff);
                        lives.current = Some(life);
                    }
                    Err(how) => {
                        if !self.pause(&mut backoff, Fall { how: &how, ran: None, was_ready }, wish).await {
                            return;
                        }
                        continue;
                    }
                }
            }
            match self.turn(lives, wish).await {
                Turn::Stop => return,
                Turn::Left => {}
                Turn::Another => self.replace(lives, &mut backoff, wish).await,
                Turn::Next(event) => {
                    was_ready |= matches!(event, Event::Ready);
                    self.next_event(lives, event, wish);
                }
                Turn::Current(Event::Ready) => {
                    was_ready = true;
                    self.place.ready();
                }
                Turn::Current(Event::Slow) => self.tell_slow(),
                Turn::Current(Event::Steady) => {
                    if backoff.is_quiet() {
                        self.logs.mute(&self.name, false);
                        self.logs.say(&format!("{} has run for {} and stays", self.name, span(STEADY)));
                    }
                    backoff.reset();
                }
                Turn::Current(Event::Ended(how)) => {
                    let ran = lives.current.take().map(|life| life.age());
                    // The one that was to take its place does so at once.
                    lives.current = lives.next.take();
                    if let Some(life) = &lives.current {
                        self.logs.say(&format!("{} {how}; its successor takes its place", self.name));
                        self.place.replaced(life.pid(), life.section(), life.is_ready());
                    } else if !self.pause(&mut backoff, Fall { how: &how, ran, was_ready }, wish).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for what happens next.
    async fn turn(&mut self, lives: &mut Lives, wish: &mut watch::Receiver<Wish>) -> Turn {
        let (probe, brokers) = (self.probe, &self.brokers);
        let may_replace = lives.leaving.len() < LEAVING;
        tokio::select! {
            // What has ended is seen before what is to be done about another edition.
            biased;
            () = wished(wish, Wish::Drain) => Turn::Stop,
            event = event_of(&mut lives.current, probe, brokers) => Turn::Current(event),
            event = event_of(&mut lives.next, probe, brokers) => Turn::Next(event),
            Some(_) = lives.leaving.join_next() => Turn::Left,
            () = another(&mut self.duty, &self.edition), if may_replace => Turn::Another,
        }
    }

    /// Starts the new edition beside the old one. A gateway that listens by itself ends first: two of them cannot have
    /// one port.
    async fn replace(&mut self, lives: &mut Lives, backoff: &mut Backoff, wish: &watch::Receiver<Wish>) {
        self.edition = self.duty.borrow().edition.clone();
        let name = &self.name;
        backoff.reset();
        self.logs.mute(name, false);
        if let Some(overtaken) = lives.next.take() {
            lives.leaving.spawn(overtaken.stop(self.logs.clone(), wish.clone()));
        }
        if lives.current.as_ref().is_some_and(|life| *life.edition() == self.edition) {
            return self.logs.say(&format!("{name} goes on as it is"));
        }
        if matches!(self.probe, Probe::Http(_)) && self.socket.is_none() {
            if let Some(old) = lives.current.take() {
                old.stop(self.logs.clone(), wish.clone()).await;
                self.place.ended(Vec::new());
            }
            return;
        }
        match Life::start(&self.edition, self.socket.as_deref(), &self.logs) {
            Ok(life) => {
                self.logs
                    .say(&format!("{name} is started anew beside the old one, pid {}", life.pid().as_raw_nonzero()));
                lives.next = Some(life);
            }
            Err(how) => self.logs.say(&format!("the new {name} {how}; the old one goes on")),
        }
    }

    /// What becomes of the one that is to take the place of the current one.
    fn next_event(&self, lives: &mut Lives, event: Event, wish: &watch::Receiver<Wish>) {
        let name = &self.name;
        match event {
            Event::Ready => {
                let Some(life) = lives.next.take() else { return };
                self.place.replaced(life.pid(), life.section(), true);
                self.logs.say(&format!("{name} is ready; the old one finishes its work"));
                if let Some(old) = lives.current.replace(life) {
                    lives.leaving.spawn(old.leave(self.logs.clone(), wish.clone()));
                }
            }
            Event::Ended(how) => {
                lives.next = None;
                self.logs.say(&format!("the new {name} {how} before it was ready; the old one goes on"));
            }
            Event::Slow => self.tell_slow(),
            Event::Steady => {}
        }
    }

    /// Says how it ended and waits. False if it is not to be started anew.
    async fn pause(&mut self, backoff: &mut Backoff, fall: Fall<'_>, wish: &mut watch::Receiver<Wish>) -> bool {
        let (name, how) = (&self.name, fall.how);
        let last = self.logs.last_lines(name);
        self.place.ended(last.clone());
        if let Some(give_up) = self.give_up.as_ref().filter(|_| !fall.was_ready) {
            let when = if fall.ran.is_some() { " before it was ready" } else { "" };
            let sentence = format!(
                "{name} {how}{when}, and the cluster cannot do without it{}{}",
                self.hint().map_or_else(String::new, |hint| format!(": {hint}")),
                shown_last(&last)
            );
            // If nobody listens, another has given up already.
            drop(give_up.try_send(GivenUp { process: Some(name.clone()), sentence }));
            return false;
        }
        let pause = backoff.ended(fall.ran.unwrap_or_default(), fastrand::f64());
        match pause.word {
            Word::Each if pause.time.is_zero() => self.logs.say(&format!("{name} {how}; it is started anew at once")),
            Word::Each => self.logs.say(&format!("{name} {how}; it is started anew in {}", span(pause.time))),
            Word::Last => {
                self.logs.mute(name, true);
                self.logs.say(&format!(
                    "{name} {how}, for the {OFTEN}th time in a row, each time soon after its start. From now on it is \
                     tried every {} without a word until it stays{}",
                    span(LONGEST),
                    shown_last(&last)
                ));
            }
            Word::Nothing => {}
        }
        tokio::select! {
            () = sleep(pause.time) => true,
            () = another(&mut self.duty, &self.edition) => {
                backoff.reset();
                self.logs.mute(&self.name, false);
                true
            }
            () = wished(wish, Wish::Drain) => false,
        }
    }

    fn started(&self, life: &Life, how: &str, backoff: &Backoff) {
        self.place.started(life.pid(), life.section());
        if !backoff.is_quiet() {
            self.logs.say(&format!("{} {how}, pid {}", self.name, life.pid().as_raw_nonzero()));
        }
    }

    fn tell_slow(&self) {
        let (name, probe) = (&self.name, self.probe);
        let hint = self.hint().map_or_else(|| format!("it is when {}", probe.wants()), str::to_owned);
        self.logs.say(&format!(
            "{name} has run for {} and is not ready yet: {hint}; its own lines may say what is in the way",
            span(SLOW)
        ));
    }

    /// What a program of somebody's own may not be able to do with its socket.
    fn hint(&self) -> Option<&'static str> {
        let is_own = || env::current_exe().is_ok_and(|sky| sky == self.edition.spec.program);
        (self.socket.is_some() && !is_own()).then_some(
            "a gateway is handed its listening socket (LISTEN_FDS) and says when it is ready (NOTIFY_SOCKET); one that can \
             only listen by itself wants hold = false in [gateway]",
        )
    }
}

/// The last lines that a process wrote, below what is said about it.
fn shown_last(lines: &[String]) -> String {
    if lines.is_empty() {
        return "; it has written nothing".to_owned();
    }
    let lines: String = lines.iter().map(|line| format!("\n    {line}")).collect();
    format!(". Its last lines:{lines}")
}

async fn event_of(life: &mut Option<Life>, probe: Probe, brokers: &Brokers) -> Event {
    match life {
        Some(life) => life.next(probe, brokers).await,
        None => pending().await,
    }
}

/// Resolves when another edition is wished than this.
async fn another(duty: &mut watch::Receiver<Duty>, edition: &Edition) {
    if duty.wait_for(|duty| duty.edition != *edition).await.is_err() {
        // Nobody can wish any more.
        pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use super::{super::board::Board, super::plan::Spec, *};
    use crate::output::{ColorChoice, Paint};

    #[tokio::test]
    async fn what_is_taken_out_together_with_what_it_waits_for_does_not_start() {
        // Without an order, one in two would.
        for number in 0..32 {
            let (board, program) = (Board::default(), PathBuf::from("/bin/true"));
            let (arguments, environment, directory) = (Vec::new(), BTreeMap::new(), PathBuf::from("/"));
            let spec = Spec { name: "qr.1".to_owned(), program, arguments, environment, directory };
            let edition = Edition { spec, version: 0 };
            let (ahead, place) = (board.enter("links", "links.1"), board.enter("qr", "qr.1"));
            let (duty, wish) = (
                watch::Sender::new(Duty { edition: edition.clone(), after: vec!["links".to_owned()] }),
                watch::Sender::new(Wish::Run),
            );
            let supervisor = Supervisor {
                name: "qr.1".to_owned(),
                duty: duty.subscribe(),
                edition,
                probe: Probe::Registered,
                socket: None,
                logs: Logs::new(std::io::sink(), Paint::stderr(ColorChoice::Never), None),
                place: place.clone(),
                brokers: watch::channel(None).1,
                give_up: None,
            };
            let supervisor = tokio::spawn(supervisor.run(wish.subscribe()));
            tokio::task::yield_now().await;
            ahead.leave();
            wish.send_replace(Wish::Drain);
            supervisor.await.unwrap();
            assert_eq!(board.watch().borrow().states()[0].starts, 0, "number {number}");
        }
    }
}
