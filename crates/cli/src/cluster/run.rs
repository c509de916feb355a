//! The life of a cluster: start in order, run, change, stop in the reverse order.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use skyloom::{Connection, Endpoints};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    board::Board,
    changes::Changes,
    crew::{Crew, Ground},
    difference::Difference,
    life::SLOW,
    logs::Logs,
    obstacles::{has_come, listen},
    plan::Plan,
    run_dir::RunDir,
    signals::{Wish, wished},
    supervise::GivenUp,
};
use crate::{
    failure::Failure,
    text::{span, why, without_numbers},
};

/// Changes of the state that come within this time are written down together.
const MERGE: Duration = Duration::from_millis(20);

/// A broker that has not come by then is worth a word.
const ABSENT: Duration = Duration::from_secs(3);

/// Runs the plan, and what changes make of it, until a signal ends it. What its processes do is on the board.
///
/// # Errors
/// If the broker or the gateway cannot even be started.
pub(super) async fn run(
    plan: Plan,
    board: Board,
    logs: &Logs,
    run_dir: Option<RunDir>,
    mut changes: Changes,
    mut wishes: watch::Receiver<Wish>,
) -> Result<(), Failure> {
    let start = Instant::now();
    let (connected, brokers) = watch::channel(None);
    let mut helpers = JoinSet::new();
    if let Some(run_dir) = run_dir {
        helpers.spawn(record(run_dir, board.clone(), logs.clone()));
    }
    let (give_up, mut given_up) = mpsc::channel(1);
    helpers.spawn(connect(plan.endpoints.clone(), connected, give_up.clone(), logs.clone()));
    let socket = plan.parts.iter().find_map(|part| part.held).map(listen).transpose()?;
    let mut crew = Crew::new(Ground { logs: logs.clone(), board: board.clone(), brokers, give_up }, socket);
    crew.apply(&plan, &Difference::between(&plan.before_its_start(), &plan, &BTreeSet::new()));
    let (grown, growth) = watch::channel(start);
    let announcement = announce(&plan, &board, logs, growth);
    tokio::pin!(announcement);
    let result = loop {
        let next = async {
            let change = changes.next().await;
            crew.room().await;
            change
        };
        tokio::select! {
            never = &mut announcement => match never {},
            () = wished(&mut wishes, Wish::Drain) => break Ok(()),
            Some(GivenUp { process, sentence }) = given_up.recv() => {
                let taken = process.and_then(|name| has_come(&plan, &name));
                break Err(taken.unwrap_or(Failure::Failed(sentence)));
            }
            (plan, difference) = next => {
                crew.apply(plan, &difference);
                if !difference.start.is_empty() {
                    grown.send_replace(Instant::now());
                }
            }
        }
    };
    logs.say("stopping in order; Ctrl-C again kills at once");
    crew.stop(plan.embedded.as_ref().is_some_and(|embedded| embedded.hosted), wishes).await;
    // Drops the run directory, and with it the state's file.
    helpers.shutdown().await;
    logs.say(&format!("stopped; it ran for {}", span(start.elapsed())));
    result
}

/// Connects to the broker, however long it takes to come; the connection mends itself from then on. Of one that does
/// not come for long, or can never be used, it says so, and in the latter case gives up.
async fn connect(
    endpoints: Endpoints,
    connected: watch::Sender<Option<Connection>>,
    give_up: mpsc::Sender<GivenUp>,
    logs: Logs,
) {
    let (start, mut told) = (Instant::now(), false);
    loop {
        match endpoints.connect().await {
            Ok(connection) => {
                connected.send_replace(Some(connection));
                // The senders' end closes the channel, and nobody is to wait in vain.
                connected.closed().await;
                return;
            }
            Err(error) if error.is_temporary() => {
                if !told && start.elapsed() > ABSENT {
                    logs.say(&without_numbers(&format!("{error}; it is tried again and again")));
                    told = true;
                }
                sleep(MERGE).await;
            }
            Err(error) => {
                // If nobody listens, another has given up already.
                drop(give_up.try_send(GivenUp { process: None, sentence: error.to_string() }));
                return std::future::pending().await;
            }
        }
    }
}

/// Writes down each change of the cluster's state.
async fn record(run_dir: RunDir, board: Board, logs: Logs) {
    let mut changes = board.watch();
    let mut failed = false;
    loop {
        let written = run_dir.write(&changes.borrow_and_update().states());
        if let Err(error) = written
            && !failed
        {
            logs.say(&format!("cannot write the state into {}: {}", run_dir.path().display(), why(&error)));
            failed = true;
        }
        if changes.changed().await.is_err() {
            return;
        }
        sleep(MERGE).await;
    }
}

/// Says when everything is ready, and where; then each time when what has come is ready, too.
async fn announce(plan: &Plan, board: &Board, logs: &Logs, mut growth: watch::Receiver<Instant>) -> Infallible {
    let start = *growth.borrow();
    if timeout(SLOW, board.all_ready()).await.is_err() {
        let (waiting, ahead) = board.waiting();
        if !waiting.is_empty() && !ahead.is_empty() {
            logs.say(&format!("not started yet: {}; waiting for {}", waiting.join(", "), ahead.join(", ")));
        }
    }
    board.all_ready().await;
    let gateway = plan.gateway.map_or_else(String::new, |address| format!(", gateway http://{address}"));
    let broker = plan.endpoints.shown().unwrap_or_default();
    logs.say(&format!("ready after {}: broker {broker}{gateway}; Ctrl-C stops", span(start.elapsed())));
    growth.mark_unchanged();
    while growth.changed().await.is_ok() {
        board.all_ready().await;
        let since = *growth.borrow_and_update();
        logs.say(&format!("all is ready, {} after the change", span(since.elapsed())));
    }
    std::future::pending().await
}
