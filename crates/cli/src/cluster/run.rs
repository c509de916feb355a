//! The life of a cluster: start in order, run, stop in the reverse order.

use std::{sync::Arc, time::Duration};

use skyloom::{Connection, Endpoints};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    board::Board,
    logs::Logs,
    obstacles::listen,
    plan::{Part, Plan},
    probe::Brokers,
    rebuild::Rebuild,
    run_dir::RunDir,
    signals::{Wish, wished},
    supervise::Supervisor,
};
use crate::{failure::Failure, text::span};

/// Changes of the state that come within this time are written down together.
const MERGE: Duration = Duration::from_millis(20);

/// How long closing the connection to the broker may take.
const CLOSING: Duration = Duration::from_secs(1);

/// A part whose processes are kept running.
struct Running {
    wish: watch::Sender<Wish>,
    supervisors: JoinSet<()>,
}

/// Runs the plan until a signal ends it.
///
/// # Errors
/// If the broker or the gateway cannot even be started.
pub(super) async fn run(
    plan: &Plan,
    logs: &Logs,
    run_dir: Option<RunDir>,
    rebuild: Option<Rebuild>,
    mut wishes: watch::Receiver<Wish>,
) -> Result<(), Failure> {
    let start = Instant::now();
    let board = Arc::new(Board::new(plan));
    let (connected, brokers) = watch::channel(None);
    let mut helpers = JoinSet::new();
    if let Some(run_dir) = run_dir {
        helpers.spawn(record(run_dir, Arc::clone(&board), logs.clone()));
    }
    let (give_up, mut given_up) = mpsc::channel(1);
    helpers.spawn(connect(plan.endpoints.clone(), connected, give_up.clone()));
    let ground = Ground { plan, logs, board: &board, brokers: &brokers, give_up: &give_up };
    let builds = |part: &Part| rebuild.as_ref().and_then(|rebuild| rebuild.follow(&part.name));
    let parts: Result<Vec<Running>, Failure> = plan.parts.iter().map(|part| ground.start(part, builds(part))).collect();
    let mut parts = parts?;
    if let Some(rebuild) = rebuild {
        helpers.spawn(async move { match rebuild.run().await {} });
    }
    let announced = announce(plan, &board, logs, start);
    let result = tokio::select! {
        never = announced => match never {},
        () = wished(&mut wishes, Wish::Drain) => Ok(()),
        Some(sentence) = given_up.recv() => Err(Failure::Failed(sentence)),
    };
    logs.say("stopping in order; Ctrl-C again kills at once");
    stop(&mut parts, plan.embedded.as_ref().is_some_and(|embedded| embedded.hosted), &brokers, wishes).await;
    // Drops the run directory, and with it the state's file.
    helpers.shutdown().await;
    logs.say(&format!("stopped; it ran for {}", span(start.elapsed())));
    result
}

/// What all parts share.
struct Ground<'a> {
    plan: &'a Plan,
    logs: &'a Logs,
    board: &'a Arc<Board>,
    brokers: &'a Brokers,
    give_up: &'a mpsc::Sender<String>,
}

impl Ground<'_> {
    fn start(&self, part: &Part, builds: Option<watch::Receiver<u64>>) -> Result<Running, Failure> {
        let socket = part.held.map(listen).transpose()?.map(Arc::new);
        let essential = ["broker", "registry", "gateway"].contains(&part.name.as_str());
        let earlier = part.after.iter().filter_map(|place| self.plan.parts.get(*place));
        let after: Vec<String> = earlier.map(|earlier| earlier.name.clone()).collect();
        let wish = watch::Sender::new(Wish::Run);
        let mut supervisors = JoinSet::new();
        for spec in &part.processes {
            let supervisor = Supervisor {
                spec: spec.clone(),
                probe: part.probe,
                socket: socket.clone(),
                after: after.clone(),
                logs: self.logs.clone(),
                board: Arc::clone(self.board),
                brokers: self.brokers.clone(),
                give_up: essential.then(|| self.give_up.clone()),
                builds: builds.clone(),
            };
            supervisors.spawn(supervisor.run(wish.subscribe()));
        }
        Ok(Running { wish, supervisors })
    }
}

/// Connects to the broker, however long it takes to come; the connection mends itself from then on. Of one that
/// can never be used it says so and gives up.
async fn connect(endpoints: Endpoints, connected: watch::Sender<Option<Connection>>, give_up: mpsc::Sender<String>) {
    loop {
        match endpoints.connect().await {
            Ok(connection) => {
                connected.send_replace(Some(connection));
                // The senders' end closes the channel, and nobody is to wait in vain.
                connected.closed().await;
                return;
            }
            Err(error) if error.is_temporary() => sleep(MERGE).await,
            Err(error) => {
                // If nobody listens, another has given up already.
                drop(give_up.try_send(error.to_string()));
                return std::future::pending().await;
            }
        }
    }
}

/// Writes down each change of the cluster's state.
async fn record(run_dir: RunDir, board: Arc<Board>, logs: Logs) {
    let mut changes = board.watch();
    let mut failed = false;
    loop {
        let written = run_dir.write(&changes.borrow_and_update());
        if let Err(error) = written
            && !failed
        {
            logs.say(&format!("cannot write the state into {}: {error}", run_dir.path().display()));
            failed = true;
        }
        if changes.changed().await.is_err() {
            return;
        }
        sleep(MERGE).await;
    }
}

/// Says when everything is ready, and where.
async fn announce(plan: &Plan, board: &Board, logs: &Logs, start: Instant) -> std::convert::Infallible {
    board.all_ready().await;
    let gateway = plan.gateway.map_or_else(String::new, |address| format!(", gateway http://{address}"));
    let broker = plan.endpoints.shown().unwrap_or_default();
    logs.say(&format!("ready after {}: broker {broker}{gateway}; Ctrl-C stops", span(start.elapsed())));
    std::future::pending().await
}

/// Stops the last part first, so that each finishes its work while those it needs still run.
async fn stop(parts: &mut Vec<Running>, hosted: bool, brokers: &Brokers, mut wishes: watch::Receiver<Wish>) {
    while let Some(mut part) = parts.pop() {
        if hosted && parts.is_empty() {
            close(brokers).await;
        }
        part.wish.send_replace((*wishes.borrow()).max(Wish::Drain));
        tokio::select! {
            () = finished(&mut part.supervisors) => {}
            () = wished(&mut wishes, Wish::Kill) => {
                for part in parts.iter().chain([&part]) {
                    part.wish.send_replace(Wish::Kill);
                }
                finished(&mut part.supervisors).await;
            }
        }
    }
}

async fn finished(supervisors: &mut JoinSet<()>) {
    while supervisors.join_next().await.is_some() {}
}

/// Closes our own connection, so that the broker need not wait for it.
async fn close(brokers: &Brokers) {
    let connection = brokers.borrow().clone();
    if let Some(connection) = connection {
        drop(timeout(CLOSING, connection.close()).await);
    }
}
