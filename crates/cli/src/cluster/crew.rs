//! The processes of a running cluster, which come and go as its plan says.

use std::{collections::BTreeMap, mem, net::TcpListener, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    board::{Board, Place},
    difference::Difference,
    life::Edition,
    logs::Logs,
    plan::{Part, Plan, Spec},
    probe::Brokers,
    signals::{Wish, wished},
    supervise::{Duty, GivenUp, Supervisor},
};

/// So many processes that were taken out may still be finishing their work; the next change waits.
const MAX_LEAVING: usize = 256;

/// How often to look whether one of them has ended.
const AGAIN: Duration = Duration::from_millis(100);

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
    pub(super) give_up: mpsc::Sender<GivenUp>,
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

    /// It is to end once this part, whose processes are on the board already, is ready.
    fn leave_to(&self, successor: &str) {
        let (place, wish, successor) = (self.place.clone(), self.wish.clone(), [successor.to_owned()]);
        tokio::spawn(async move {
            place.board().parts_ready(&successor).await;
            leave(&place, &wish);
        });
    }
}

/// Has a process finish its work and end; it is no part of the cluster any more.
fn leave(place: &Place, wish: &watch::Sender<Wish>) {
    place.leave();
    wish.send_modify(|wish| *wish = (*wish).max(Wish::Drain));
}

impl Crew {
    /// Nobody runs yet. The gateway is handed this socket, if there is one.
    pub(super) fn new(ground: Ground, socket: Option<TcpListener>) -> Self {
        Self { ground, socket, parts: Vec::new(), leaving: Vec::new() }
    }

    /// Resolves when there is room for another change.
    pub(super) async fn room(&mut self) {
        loop {
            self.leaving.retain(|member| !member.supervisor.is_finished());
            if self.leaving.len() < MAX_LEAVING {
                return;
            }
            sleep(AGAIN).await;
        }
    }

    /// Has this plan run from now on. Whoever is not named in the difference is left alone.
    pub(super) fn apply(&mut self, plan: &Plan, difference: &Difference) {
        let named = |member: Member| (member.name.clone(), member);
        let mut members: BTreeMap<String, Member> =
            mem::take(&mut self.parts).into_iter().flatten().map(named).collect();
        let ended: Vec<Member> = difference.end.iter().filter_map(|name| members.remove(name)).collect();
        let leaving = self.leaving.iter().chain(&ended).map(|member| member.part.clone());
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
        for member in ended {
            match difference.renamed.get(&member.part) {
                Some(successor) => member.leave_to(successor),
                None => leave(&member.place, &member.wish),
            }
            self.leaving.push(member);
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
                () = finished(&mut members) => {}
                () = wished(&mut wishes, Wish::Kill) => {
                    for member in self.parts.iter().flatten().chain(&members) {
                        member.wish.send_replace(Wish::Kill);
                    }
                    finished(&mut members).await;
                }
            }
        }
    }
}

/// Waits until all have ended. May be dropped and asked again.
async fn finished(members: &mut Vec<Member>) {
    while let Some(member) = members.last_mut() {
        // It is an error only if it has panicked.
        drop((&mut member.supervisor).await);
        members.pop();
    }
}

/// Closes our own connection to the broker.
async fn close(brokers: &Brokers) {
    let connection = brokers.borrow().clone();
    if let Some(connection) = connection {
        drop(timeout(CLOSING, connection.close()).await);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use super::*;
    use crate::output::{ColorChoice, Paint};

    fn crew() -> Crew {
        let logs = Logs::new(std::io::sink(), Paint::stderr(ColorChoice::Never), None);
        let (brokers, give_up) = (watch::channel(None).1, mpsc::channel(1).0);
        Crew::new(Ground { logs, board: Board::default(), brokers, give_up }, None)
    }

    /// One that never ends by itself.
    fn member(crew: &Crew) -> Member {
        let spec = Spec {
            name: "qr.1".to_owned(),
            program: PathBuf::new(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: PathBuf::new(),
        };
        Member {
            part: "qr".to_owned(),
            name: "qr.1".to_owned(),
            place: crew.ground.board.enter("qr", "qr.1"),
            duty: watch::Sender::new(Duty { edition: Edition { spec, version: 0 }, after: Vec::new() }),
            wish: watch::Sender::new(Wish::Run),
            supervisor: tokio::spawn(std::future::pending()),
        }
    }

    #[tokio::test]
    async fn a_change_waits_while_too_many_finish_their_work() {
        let mut crew = crew();
        crew.leaving = (1..MAX_LEAVING).map(|_| member(&crew)).collect();
        crew.room().await;
        crew.leaving.push(member(&crew));
        assert!(timeout(2 * AGAIN, crew.room()).await.is_err());
        crew.leaving[MAX_LEAVING / 2].supervisor.abort();
        crew.room().await;
        assert_eq!(crew.leaving.len(), MAX_LEAVING - 1);
    }

    #[tokio::test]
    async fn an_order_that_says_the_same_wakes_nobody() {
        let crew = crew();
        let member = member(&crew);
        let mut duty = member.duty.subscribe();
        let mut spec = duty.borrow().edition.spec.clone();
        let said = |duty: &mut watch::Receiver<Duty>| {
            let is_new = duty.has_changed().unwrap();
            (is_new, duty.borrow_and_update().edition.version)
        };
        member.be(&spec, &[], false);
        assert_eq!(said(&mut duty), (false, 0));
        member.be(&spec, &["links".to_owned()], false);
        assert_eq!(said(&mut duty), (true, 0));
        member.be(&spec, &["links".to_owned()], true);
        assert_eq!(said(&mut duty), (true, 1));
        spec.arguments.push("-x".to_owned());
        member.be(&spec, &["links".to_owned()], false);
        assert_eq!(said(&mut duty), (true, 1));
    }
}
