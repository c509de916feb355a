//! The processes of a running cluster, which come and go as its plan says.

use std::{collections::BTreeMap, mem, net::TcpListener, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{
    board::{Board, Place},
    difference::Difference,
    life::Edition,
    logs::Logs,
    plan::{Part, Plan, Spec},
    probe::Brokers,
    signals::{Wish, wished},
    supervise::{Duty, Supervisor},
};

/// So many processes that were taken out may still be finishing their work; the next change waits.
const MAX_LEAVING: usize = 256;

/// How long closing the connection to the broker may take.
const CLOSING: Duration = Duration::from_secs(1);

/// What all processes share.
pub(super) struct Ground {
    /// Where their output goes.
    pub(super) logs: Logs,
    /// Where their state is noted.
    pub(super) board: Board,
    /// The cluster's broker.
    pub(super) brokers: Brokers,
    /// Takes the reason why the cluster cannot start.
    pub(super) give_up: mpsc::Sender<String>,
}

/// All of them.
pub(super) struct Crew {
    ground: Ground,
    /// What is listened on for the gateway, until there is one.
    socket: Option<TcpListener>,
    /// By part, in the order in which they start.
    parts: Vec<Vec<Member>>,
    /// Those that were taken out and finish their work.
    leaving: Vec<Member>,
}

/// A process that is kept running.
struct Member {
    part: String,
    name: String,
    place: Place,
    duty: watch::Sender<Duty>,
    wish: watch::Sender<Wish>,
    supervisor: JoinHandle<()>,
}

impl Member {
    /// From now on it is to run as this, and anew, even so, if it is `renewed`.
    fn be(&self, spec: &Spec, after: &[String], renewed: bool) {
        self.duty.send_if_modified(|duty| {
            let version = duty.edition.version + u64::from(renewed);
            let next = Duty { edition: Edition { spec: spec.clone(), version }, after: after.to_vec() };
            let differs = *duty != next;
            *duty = next;
            differs
        });
    }
}

impl Crew {
    /// Nobody runs yet. The gateway is handed this socket, if there is one.
    pub(super) fn new(ground: Ground, socket: Option<TcpListener>) -> Self {
        Self { ground, socket, parts: Vec::new(), leaving: Vec::new() }
    }

    /// Resolves when there is room for another change.
    pub(super) async fn room(&mut self) {
        self.leaving.retain(|member| !member.supervisor.is_finished());
        finished(&mut self.leaving, MAX_LEAVING).await;
    }

    /// Has this plan run from now on. Whoever is not named in the difference is left alone.
    pub(super) fn apply(&mut self, plan: &Plan, difference: &Difference) {
        let named = |member: Member| (member.name.clone(), member);
        let mut members: BTreeMap<String, Member> =
            mem::take(&mut self.parts).into_iter().flatten().map(named).collect();
        for member in difference.end.iter().filter_map(|name| members.remove(name)) {
            member.place.leave();
            member.wish.send_replace(Wish::Drain);
            self.leaving.push(member);
        }
        let leaving = self.leaving.iter().map(|member| member.part.clone());
        let writing = plan.parts.iter().map(|part| part.name.clone()).chain(leaving).collect();
        if let Err(failure) = self.ground.logs.follow_parts(&writing, plan.width()) {
            self.ground.logs.say(&failure.to_string());
        }
        for part in &plan.parts {
            let mut crowd = Vec::new();
            for spec in &part.processes {
                crowd.push(match members.remove(&spec.name) {
                    Some(member) => {
                        member.be(spec, &part.after, difference.renew.contains(&spec.name));
                        member
                    }
                    None => self.start(part, spec),
                });
            }
            self.parts.push(crowd);
        }
    }

    fn start(&mut self, part: &Part, spec: &Spec) -> Member {
        let (ground, edition) = (&self.ground, Edition { spec: spec.clone(), version: 0 });
        let essential = ["broker", "registry", "gateway"].contains(&part.name.as_str());
        let place = ground.board.enter(&part.name, &spec.name);
        let duty = watch::Sender::new(Duty { edition: edition.clone(), after: part.after.clone() });
        let wish = watch::Sender::new(Wish::Run);
        let supervisor = Supervisor {
            name: spec.name.clone(),
            duty: duty.subscribe(),
            edition,
            probe: part.probe,
            socket: part.held.and_then(|_| self.socket.take()).map(Arc::new),
            logs: ground.logs.clone(),
            place: place.clone(),
            brokers: ground.brokers.clone(),
            give_up: essential.then(|| ground.give_up.clone()),
        };
        let supervisor = tokio::spawn(supervisor.run(wish.subscribe()));
        Member { part: part.name.clone(), name: spec.name.clone(), place, duty, wish, supervisor }
    }

    /// Stops the last part first, so that each finishes its work while those it needs still run. If the broker is one of
    /// them, our own connection is closed before, so that it need not wait for that.
    pub(super) async fn stop(mut self, hosts_broker: bool, mut wishes: watch::Receiver<Wish>) {
        // Those that were taken out before may need the broker, and nothing else is known of them.
        let place = usize::from(hosts_broker).min(self.parts.len());
        self.parts.insert(place, self.leaving);
        while let Some(mut members) = self.parts.pop() {
            if hosts_broker && self.parts.is_empty() {
                close(&self.ground.brokers).await;
            }
            let wish = (*wishes.borrow()).max(Wish::Drain);
            for member in &members {
                member.wish.send_replace(wish);
            }
            tokio::select! {
                () = finished(&mut members, 0) => {}
                () = wished(&mut wishes, Wish::Kill) => {
                    for member in self.parts.iter().flatten().chain(&members) {
                        member.wish.send_replace(Wish::Kill);
                    }
                    finished(&mut members, 0).await;
                }
            }
        }
    }
}

/// Waits until no more than these are left. May be dropped and asked again.
async fn finished(members: &mut Vec<Member>, left: usize) {
    while members.len() > left
        && let Some(member) = members.first_mut()
    {
        // It is an error only if it has panicked.
        drop((&mut member.supervisor).await);
        members.remove(0);
    }
}

/// Closes our own connection to the broker.
async fn close(brokers: &Brokers) {
    let connection = brokers.borrow().clone();
    if let Some(connection) = connection {
        drop(timeout(CLOSING, connection.close()).await);
    }
}
