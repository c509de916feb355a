//! The programs that are to end, each after it has finished its work.

use std::{collections::BTreeMap, io, process::ExitStatus, time::Duration};

use rustix::process::Signal;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::child::Child;
use crate::handover::more_time;

/// How long a program that was asked to end may take, before it is killed: a drain time of 20 s, and some more. One that
/// needs longer says so.
const GRACE: Duration = Duration::from_secs(60);

/// So many programs that were replaced may still be finishing their work; another replacement waits. A cluster's
/// supervisor has the same limit.
const LEAVING: usize = 2;

/// Those that were replaced.
#[derive(Debug, Default)]
pub(super) struct Draining {
    programs: JoinSet<()>,
    /// Until when each needs time, by its process id, as far as it has said so.
    needs: watch::Sender<BTreeMap<i32, Instant>>,
    kill: watch::Sender<bool>,
}

impl Draining {
    /// Has a program end that another has taken the place of.
    pub(super) fn add(&mut self, mut old: Box<Child>) {
        let (needs, kill) = (self.needs.clone(), self.kill.subscribe());
        self.programs.spawn(async move {
            let id = old.id();
            let said = |text: &str| {
                if let Some(more) = more_time(text) {
                    needs.send_modify(|needs| {
                        needs.insert(id, Instant::now() + more);
                    });
                }
            };
            // How it has ended is nobody's concern any more.
            drop(finish(&mut old, kill, said).await);
            needs.send_modify(|needs| {
                needs.remove(&id);
            });
        });
    }

    /// Whether no more may be added for now.
    pub(super) fn is_full(&mut self) -> bool {
        while self.programs.try_join_next().is_some() {}
        self.programs.len() >= LEAVING
    }

    /// Resolves when one of them has ended; never if there is none.
    pub(super) async fn next_end(&mut self) {
        if self.programs.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    /// Has the last program end, too, if it runs, and waits for all; how the last one has ended. `tell` is told what
    /// the supervisor is to hear. As soon as `hurry` resolves, what has not ended by then is killed.
    pub(super) async fn end(
        mut self,
        last: Option<Box<Child>>,
        tell: impl Fn(&str),
        hurry: impl Future<Output = ()>,
    ) -> io::Result<ExitStatus> {
        tracing::info!("asked to end: waiting for what drains; Ctrl-C or SIGTERM once more kills it");
        let (needs, kill) = (self.needs.subscribe(), self.kill.clone());
        let all = async {
            let status = match last {
                Some(mut last) => finish(&mut last, self.kill.subscribe(), &tell).await,
                None => Ok(ExitStatus::default()),
            };
            while self.programs.join_next().await.is_some() {}
            status
        };
        tokio::pin!(all);
        tokio::select! {
            status = &mut all => return status,
            never = tell_needs(needs, &tell) => match never {},
            () = hurry => {}
        }
        tracing::warn!("asked to end once more: what has not ended is killed");
        kill.send_replace(true);
        all.await
    }
}

/// Tells the supervisor, as often as that changes, how long those need that were replaced: it waits for them, too.
async fn tell_needs(
    mut needs: watch::Receiver<BTreeMap<i32, Instant>>,
    tell: impl Fn(&str),
) -> std::convert::Infallible {
    loop {
        let until = needs.borrow_and_update().values().max().copied();
        if let Some(until) = until {
            tell(&format!("EXTEND_TIMEOUT_USEC={}", until.saturating_duration_since(Instant::now()).as_micros()));
        }
        if needs.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Has a program finish its work and end. It is killed if it does not in time, or at once if that is wished. `said` is
/// given what it says meanwhile.
async fn finish(child: &mut Child, mut kill: watch::Receiver<bool>, said: impl FnMut(&str)) -> io::Result<ExitStatus> {
    child.signal(Signal::TERM);
    let ended = tokio::select! {
        ended = child.ended_within(GRACE, said) => {
            if ended.is_none() {
                tracing::warn!(process = child.id(), "the program has not ended in time and is killed");
            }
            ended
        }
        // Without a sender nobody wishes anything any more.
        Ok(_) = kill.wait_for(|kill| *kill) => None,
    };
    match ended {
        Some(status) => status,
        None => {
            child.signal(Signal::KILL);
            child.ended().await
        }
    }
}
