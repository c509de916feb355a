//! Keeps one process running until the cluster stops.

use std::{env, future::pending, net::TcpListener, sync::Arc};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    backoff::{Backoff, LONGEST, OFTEN, STEADY, Word},
    board::Board,
    life::{Event, Life, SLOW},
    logs::Logs,
    plan::Spec,
    probe::{Brokers, Probe},
    signals::{Wish, wished},
};
use crate::text::span;

/// So many processes that were replaced may still be finishing their work; another replacement waits.
const LEAVING: usize = 2;

/// One process and all that is needed to keep it running.
pub(super) struct Supervisor {
    /// The process.
    pub(super) spec: Spec,
    /// How to tell that it is ready.
    pub(super) probe: Probe,
    /// The socket that is handed to it.
    pub(super) socket: Option<Arc<TcpListener>>,
    /// The parts that must be ready before it starts.
    pub(super) after: Vec<String>,
    /// Where its output goes.
    pub(super) logs: Logs,
    /// Where its state is noted.
    pub(super) board: Arc<Board>,
    /// The cluster's broker.
    pub(super) brokers: Brokers,
    /// Takes the reason if the cluster cannot do without it and it cannot even start.
    pub(super) give_up: Option<mpsc::Sender<String>>,
    /// Changes when the program is another one; none if nobody builds it.
    pub(super) builds: Option<watch::Receiver<u64>>,
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
    Built,
    Left,
    Stop,
}

impl Supervisor {
    /// Runs until it is wished that it stops, and then until it has.
    pub(super) async fn run(mut self, mut wish: watch::Receiver<Wish>) {
        tokio::select! {
            () = self.board.parts_ready(&self.after) => {}
            () = wished(&mut wish, Wish::Drain) => return,
        }
        let mut lives = Lives::default();
        self.keep_running(&mut lives, &mut wish).await;
        // From now on nobody is to wait in it.
        self.socket = None;
        for life in lives.current.take().into_iter().chain(lives.next.take()) {
            lives.leaving.spawn(life.stop(self.logs.clone(), wish.clone()));
        }
        while lives.leaving.join_next().await.is_some() {}
        self.board.ended(&self.spec.name, Vec::new());
    }

    async fn keep_running(&mut self, lives: &mut Lives, wish: &mut watch::Receiver<Wish>) {
        let mut backoff = Backoff::default();
        let mut was_ready = false;
        loop {
            if lives.current.is_none() {
                // It starts as the newest there is.
                if let Some(builds) = &mut self.builds {
                    builds.borrow_and_update();
                }
                match Life::start(&self.spec, self.socket.as_deref(), &self.logs) {
                    Ok(life) => {
                        self.started(&life, "is started", &backoff);
                        lives.current = Some(life);
                    }
                    Err(how) => {
                        if !self.pause(&mut backoff, Default::default(), &how, was_ready, wish).await {
                            return;
                        }
                        continue;
                    }
                }
            }
            match self.turn(lives, wish).await {
                Turn::Stop => return,
                Turn::Left => {}
                Turn::Built => self.replace(lives, &mut backoff, wish).await,
                Turn::Next(event) => self.next_event(lives, event, wish),
                Turn::Current(Event::Ready) => {
                    was_ready = true;
                    self.board.ready(&self.spec.name);
                }
                Turn::Current(Event::Slow) => self.tell_slow(),
                Turn::Current(Event::Steady) => {
                    if backoff.is_quiet() {
                        self.logs.mute(&self.spec.name, false);
                        self.logs.say(&format!("{} stays now", self.spec.name));
                    }
                    backoff.reset();
                }
                Turn::Current(Event::Ended(how)) => {
                    let ran = lives.current.take().map(|life| life.age()).unwrap_or_default();
                    // The one that was to take its place does so at once.
                    lives.current = lives.next.take();
                    if let Some(life) = &lives.current {
                        self.logs.say(&format!("{} {how}; its successor takes its place", self.spec.name));
                        self.board.replaced(&self.spec.name, life.pid(), life.is_ready());
                    } else if !self.pause(&mut backoff, ran, &how, was_ready, wish).await {
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
            // What has ended is seen before what is to be done about a new build.
            biased;
            () = wished(wish, Wish::Drain) => Turn::Stop,
            event = event_of(&mut lives.current, probe, brokers) => Turn::Current(event),
            event = event_of(&mut lives.next, probe, brokers) => Turn::Next(event),
            Some(_) = lives.leaving.join_next() => Turn::Left,
            () = built(&mut self.builds), if may_replace => Turn::Built,
        }
    }

    /// Starts the new program beside the old one. A gateway that listens by itself ends first: two of them cannot have
    /// one port.
    async fn replace(&self, lives: &mut Lives, backoff: &mut Backoff, wish: &watch::Receiver<Wish>) {
        let name = &self.spec.name;
        backoff.reset();
        self.logs.mute(name, false);
        if let Some(overtaken) = lives.next.take() {
            lives.leaving.spawn(overtaken.stop(self.logs.clone(), wish.clone()));
        }
        if matches!(self.probe, Probe::Http(_)) && self.socket.is_none() {
            if let Some(old) = lives.current.take() {
                old.stop(self.logs.clone(), wish.clone()).await;
                self.board.ended(name, Vec::new());
            }
            return;
        }
        match Life::start(&self.spec, self.socket.as_deref(), &self.logs) {
            Ok(life) => {
                self.logs
                    .say(&format!("{name} is started anew beside the old one, pid {}", life.pid().as_raw_nonzero()));
                lives.next = Some(life);
            }
            Err(how) => self.logs.say(&format!("{name}, just built, {how}; the old one goes on")),
        }
    }

    /// What becomes of the one that is to take the place of the current one.
    fn next_event(&self, lives: &mut Lives, event: Event, wish: &watch::Receiver<Wish>) {
        let name = &self.spec.name;
        match event {
            Event::Ready => {
                let Some(life) = lives.next.take() else { return };
                self.board.replaced(name, life.pid(), true);
                self.logs.say(&format!("{name} is ready; the old one finishes its work"));
                if let Some(old) = lives.current.replace(life) {
                    lives.leaving.spawn(old.leave(self.logs.clone(), wish.clone()));
                }
            }
            Event::Ended(how) => {
                lives.next = None;
                self.logs.say(&format!("{name}, just built, {how} before it was ready; the old one goes on"));
            }
            Event::Slow => self.tell_slow(),
            Event::Steady => {}
        }
    }

    /// Says how it ended and waits. False if it is not to be started anew.
    async fn pause(
        &mut self,
        backoff: &mut Backoff,
        ran: std::time::Duration,
        how: &str,
        was_ready: bool,
        wish: &mut watch::Receiver<Wish>,
    ) -> bool {
        let name = &self.spec.name;
        let last = self.logs.last_lines(name);
        self.board.ended(name, last.clone());
        if let Some(give_up) = self.give_up.as_ref().filter(|_| !was_ready) {
            // If nobody listens, another has given up already.
            drop(give_up.try_send(format!("{name} {how} before it was ready; its last lines say why{}", self.hint())));
            return false;
        }
        let pause = backoff.ended(ran, fastrand::f64());
        match pause.word {
            Word::Each => self.logs.say(&format!("{name} {how}; it is started anew in {}", span(pause.time))),
            Word::Last => {
                self.logs.mute(name, true);
                self.logs.say(&format!(
                    "{name} {how}, {OFTEN} times now, each within {} of its start. It is tried every {} without a \
                     word until it stays. Its last lines:{}",
                    span(STEADY),
                    span(LONGEST),
                    last.iter().map(|line| format!("\n    {line}")).collect::<String>()
                ));
            }
            Word::Nothing => {}
        }
        tokio::select! {
            () = sleep(pause.time) => true,
            () = built(&mut self.builds) => {
                backoff.reset();
                self.logs.mute(&self.spec.name, false);
                true
            }
            () = wished(wish, Wish::Drain) => false,
        }
    }

    fn started(&self, life: &Life, how: &str, backoff: &Backoff) {
        self.board.started(&self.spec.name, life.pid());
        if !backoff.is_quiet() {
            self.logs.say(&format!("{} {how}, pid {}", self.spec.name, life.pid().as_raw_nonzero()));
        }
    }

    fn tell_slow(&self) {
        let (name, hint) = (&self.spec.name, self.hint());
        self.logs.say(&format!("{name} runs for {} and is not ready yet: see its lines{hint}", span(SLOW)));
    }

    /// What a program of somebody's own may not be able to do with its socket.
    fn hint(&self) -> &'static str {
        let is_own = || env::current_exe().is_ok_and(|sky| sky == self.spec.program);
        match &self.socket {
            Some(_) if !is_own() => {
                ". It is handed its listening socket (LISTEN_FDS) and is to say that it is ready (NOTIFY_SOCKET); with \
                 hold = false in [gateway] it listens by itself"
            }
            _ => "",
        }
    }
}

async fn event_of(life: &mut Option<Life>, probe: Probe, brokers: &Brokers) -> Event {
    match life {
        Some(life) => life.next(probe, brokers).await,
        None => pending().await,
    }
}

/// Resolves when the program is another one than before.
async fn built(builds: &mut Option<watch::Receiver<u64>>) {
    if let Some(builds) = builds
        && builds.changed().await.is_ok()
    {
        return;
    }
    pending().await
}
