//! Keeps one generation of the program running, and replaces it without an interruption.

use std::{env, future::ready, io, net::TcpListener, os::unix::net::UnixDatagram, process::ExitStatus, time::Duration};

use rustix::process::Signal;
use skyloom::signals::Termination;
use tokio::{
    signal::unix::{Signal as Listened, SignalKind, signal},
    time::sleep,
};

use super::{
    child::{Child, News},
    draining::Draining,
};
use crate::text::why;

/// How long a program may take to say that it is ready before its replacement is given up.
const STARTING: Duration = Duration::from_secs(60);

/// How long to wait before a program that has ended by itself is started anew; what daemontools waits.
const PAUSE: Duration = Duration::from_secs(1);

/// What the holder is told.
#[derive(Debug)]
pub(super) struct Wishes {
    termination: Termination,
    hangup: Listened,
    replace: [Listened; 2],
}

enum Wish {
    End,
    Reload,
    Replace,
}

impl Wishes {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            termination: Termination::new()?,
            hangup: signal(SignalKind::hangup())?,
            // The second one is for `svc -a`: daemontools cannot send the first.
            replace: [signal(SignalKind::user_defined2())?, signal(SignalKind::alarm())?],
        })
    }

    async fn next(&mut self) -> Wish {
        let [user, alarm] = &mut self.replace;
        tokio::select! {
            () = self.termination.wished() => Wish::End,
            _ = self.hangup.recv() => Wish::Reload,
            _ = user.recv() => Wish::Replace,
            _ = alarm.recv() => Wish::Replace,
        }
    }
}

/// Holds the socket.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) command: Vec<String>,
    /// What is added to the program's environment.
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) listener: TcpListener,
    pub(super) wishes: Wishes,
}

/// How a generation has come to its end, or to a better one.
enum Turn {
    /// The holder is to end.
    End(Box<Child>),
    /// It has ended by itself; whether it had ever been ready.
    Ended(ExitStatus, bool),
    /// Another is ready; this one is to drain.
    Replaced { old: Box<Child>, new: Box<Child> },
}

/// What has come of a replacement.
enum Replacement {
    Ready(Box<Child>),
    Failed,
    /// The holder is to end meanwhile.
    End,
}

/// What was wished while a replacement started, and is still to be done.
#[derive(Debug, Default)]
struct Later {
    /// The one that starts is to read its configuration anew: it may have read the old one.
    reload: bool,
    /// Another is to start: the program may be a newer one by now.
    replace: bool,
}

impl Keeper {
    /// Runs until it is asked to end, or the program ends before it was ever ready; how that has ended.
    pub(super) async fn run(mut self) -> io::Result<ExitStatus> {
        let mut draining = Draining::default();
        let mut was_ready = false;
        let mut later = Later::default();
        let mut current = self.start()?;
        loop {
            let turn = self.turn(current, &mut was_ready, &mut later, &mut draining).await?;
            current = match turn {
                Turn::End(child) => return self.end(Some(child), draining).await,
                Turn::Ended(status, false) => return Ok(status),
                Turn::Ended(status, true) => {
                    tracing::warn!("the program has ended ({status}); it is started anew in {PAUSE:?}");
                    // What starts now is the newest there is.
                    later = Later::default();
                    match self.anew().await {
                        Some(child) => child,
                        None => return self.end(None, draining).await,
                    }
                }
                Turn::Replaced { old, new } => {
                    tracing::info!(old = old.id(), new = new.id(), "the new program is ready, and the old one drains");
                    draining.add(old);
                    new
                }
            };
        }
    }

    fn start(&self) -> io::Result<Box<Child>> {
        Child::start(&self.command, &self.environment, &self.listener)
    }

    /// Starts the program again and again, a pause before each time, for whoever connects meanwhile waits; none if the
    /// holder is to end.
    async fn anew(&mut self) -> Option<Box<Child>> {
        loop {
            tokio::select! {
                () = sleep(PAUSE) => {}
                wish = self.wishes.next() => match wish {
                    Wish::End => return None,
                    // Whatever starts reads its configuration.
                    Wish::Reload => continue,
                    Wish::Replace => {}
                },
            }
            match self.start() {
                Ok(child) => return Some(child),
                Err(error) => {
                    tracing::error!("the program cannot be started: {}; it is tried again in {PAUSE:?}", why(&error))
                }
            }
        }
    }

    async fn turn(
        &mut self,
        mut child: Box<Child>,
        was_ready: &mut bool,
        later: &mut Later,
        draining: &mut Draining,
    ) -> io::Result<Turn> {
        loop {
            let may_replace = !draining.is_full();
            let wish = tokio::select! {
                // That it has ended is seen before another is started beside it.
                biased;
                wish = self.wishes.next() => wish,
                news = child.next() => {
                    let news = news?;
                    *was_ready |= news.is_ready();
                    match news {
                        News::Ended(status) => return Ok(Turn::Ended(status, *was_ready)),
                        News::Said(text) => pass_on(&text),
                    }
                    continue;
                }
                () = draining.next_end() => continue,
                () = ready(()), if later.replace && may_replace => Wish::Replace,
            };
            match wish {
                Wish::End => return Ok(Turn::End(child)),
                Wish::Reload => child.signal(Signal::HUP),
                Wish::Replace if !may_replace => {
                    if !later.replace {
                        tracing::warn!("replaced programs still drain: the next is started when one of them has ended");
                    }
                    later.replace = true;
                }
                Wish::Replace => {
                    *later = Later::default();
                    match self.replacement(&mut child, later).await {
                        Replacement::Failed => {}
                        Replacement::End => return Ok(Turn::End(child)),
                        Replacement::Ready(new) => {
                            *was_ready = true;
                            if later.reload {
                                new.signal(Signal::HUP);
                            }
                            return Ok(Turn::Replaced { old: child, new });
                        }
                    }
                }
            }
        }
    }

    /// Another generation, once it is ready. The old one is heard meanwhile, and may even end.
    async fn replacement(&mut self, old: &mut Child, later: &mut Later) -> Replacement {
        let mut new = match self.start() {
            Ok(new) => new,
            Err(error) => {
                tracing::error!("the old program stays, for a new one cannot be started: {}", why(&error));
                return Replacement::Failed;
            }
        };
        let mut alive = true;
        let deadline = sleep(STARTING);
        tokio::pin!(deadline);
        let outcome = loop {
            tokio::select! {
                news = new.next() => match news {
                    Ok(news) if news.is_ready() => return Replacement::Ready(new),
                    Ok(News::Said(_)) => {}
                    Ok(News::Ended(status)) => {
                        tracing::error!("the old program stays, for the new one has ended ({status})");
                        return Replacement::Failed;
                    }
                    Err(error) => {
                        tracing::error!("the old program stays, for the new one is lost: {}", why(&error));
                        break Replacement::Failed;
                    }
                },
                news = old.next(), if alive => match news {
                    Ok(News::Said(text)) => pass_on(&text),
                    Ok(News::Ended(_)) | Err(_) => alive = false,
                },
                () = &mut deadline => {
                    tracing::error!("the old program stays, for the new one is not ready after {STARTING:?}");
                    break Replacement::Failed;
                }
                wish = self.wishes.next() => match wish {
                    Wish::End => break Replacement::End,
                    Wish::Reload => {
                        old.signal(Signal::HUP);
                        // Before the new one is ready, it might not even have a handler for it.
                        later.reload = true;
                    }
                    Wish::Replace => later.replace = true,
                },
            }
        };
        new.signal(Signal::KILL);
        drop(new.ended().await);
        outcome
    }

    /// Has the program, if it runs, and those that drain end; how the program has. A second wish kills them.
    async fn end(&mut self, child: Option<Box<Child>>, draining: Draining) -> io::Result<ExitStatus> {
        draining.end(child, pass_on, self.wishes.termination.wished()).await
    }
}

/// Passes on to our own supervisor what the program tells it.
fn pass_on(said: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(said.as_bytes(), path));
    if let Err(error) = sent {
        tracing::warn!(%error, "the supervisor that NOTIFY_SOCKET names does not listen");
    }
}
