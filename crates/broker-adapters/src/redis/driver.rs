//! The driver of one server: everything that waits goes out as one write, and the next when the answers are in.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use ::redis::{RedisError, aio::MultiplexedConnection, cmd};
use skyloom_core::broker::BrokerError;
use tokio::time::{Instant, sleep};

use crate::remote::Pauses;

use super::{
    batch::{Batch, Sharing, Verdict, conclude, consumers, refuse},
    crowds::Crowds,
    link::{connect_with_scripts, load_scripts},
    node::Node,
    nodes::Nodes,
    op::Op,
    trouble::{Refusal, is_answer, said},
    ways::Ways,
};

/// A server that is not asked anything is asked whether it lives this often.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How often it is looked whether somebody's patience has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// Starts the driver of a server; it ends when the connection is closed and nothing waits.
pub(super) fn start(nodes: &Arc<Nodes>, node: Arc<Node>) {
    nodes.runtime.spawn(drive(Arc::clone(nodes), node));
}

async fn drive(nodes: Arc<Nodes>, node: Arc<Node>) {
    let mut pauses = Pauses::default();
    loop {
        match while_away(&node, connect_with_scripts(&nodes.options, &node.address)).await {
            Ok(connection) => {
                if node.away().is_some() {
                    tracing::info!(address = %node.address, "Redis is there again");
                }
                node.set_away(None);
                pauses.works();
                match serve(&nodes, &node, connection).await {
                    Ok(()) => break,
                    Err(error) => note(&node, &error),
                }
            }
            Err(error) => note(&node, &error),
        }
        if nodes.is_closing() {
            break;
        }
        let pause = pauses.next();
        let recover = async {
            sleep(pause).await;
            // Who does not answer is not asked; what it had is looked for elsewhere.
            drop(nodes.refresh().await);
        };
        while_away(&node, recover).await;
        nodes.reroute(&node);
    }
    node.end();
}

fn note(node: &Node, error: &RedisError) {
    let why = format!("Redis at {}: {}", node.address, said(error));
    if node.away().is_none() {
        tracing::warn!(address = %node.address, error = said(error), "Redis is away");
    }
    node.set_away(Some(why));
}

/// Waits while there is no connection; whose patience ends meanwhile is told.
async fn while_away<T>(node: &Node, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            output = &mut future => return output,
            () = sleep(GLANCE) => node.drop_over(),
        }
    }
}

/// Serves until the connection breaks, or is closed and nothing waits.
async fn serve(nodes: &Arc<Nodes>, node: &Arc<Node>, mut connection: MultiplexedConnection) -> Result<(), RedisError> {
    let mut stage = nodes.stage.subscribe();
    // It was made after whatever was suspected.
    node.take_suspicion();
    let (mut crowds, mut ways) = (Crowds::default(), Ways::of(&mut connection).await?);
    loop {
        if node.take_suspicion() {
            cmd("PING").query_async::<()>(&mut connection).await?;
        }
        let batch = node.batch();
        if !batch.is_empty() {
            send(nodes, node, &mut connection, (&mut crowds, &mut ways), batch).await?;
            continue;
        }
        if nodes.is_closing() && node.is_idle() {
            return Ok(());
        }
        tokio::select! {
            () = node.wake.notified() => {}
            _ = stage.changed() => {}
            () = sleep(HEARTBEAT) => cmd("PING").query_async(&mut connection).await?,
        }
    }
}

async fn send(
    nodes: &Arc<Nodes>,
    node: &Arc<Node>,
    connection: &mut MultiplexedConnection,
    (crowds, ways): (&mut Crowds, &mut Ways),
    mut batch: Batch,
) -> Result<(), RedisError> {
    let limits = &nodes.options.limits;
    let now = Instant::now();
    let sharing = |base: &str, newest| {
        let (parts, counts) = crowds.parts(base, now);
        Sharing { most: nodes.load().share(newest, parts).min(nodes.options.bundle), counts }
    };
    let commands = batch.commands(limits, |base| ways.to(base, now), sharing);
    let count = batch.answers();
    let values = match connection.send_packed_commands(&commands, 0, count).await {
        Ok(values) => values,
        Err(error) => {
            lose(node, batch.into_ops(), &error);
            return if is_answer(&error) { Ok(()) } else { Err(error) };
        }
    };
    let mut left = Left::default();
    for (ops, verdict) in batch.answered(values) {
        match verdict {
            Verdict::Done(value) => {
                if let Some((base, consumers)) = consumers(&ops, &value) {
                    crowds.counted(base, consumers, now);
                }
                conclude(ops, value, limits);
            }
            Verdict::Refused(error) => left.refused(ops, error, nodes.is_closing()),
            Verdict::Nothing => {
                if let Some(op) = ops.first() {
                    ways.avoid(&op.place.base, now);
                }
                left.again.extend(ops);
            }
            Verdict::Unknown(error) => {
                lose(node, ops, &error);
                left.unsure = Some(error);
            }
        }
    }
    left.see_to(nodes, node, connection).await
}

/// What is left to be done after the server has answered.
#[derive(Default)]
struct Left {
    /// By scripts alone.
    again: Vec<Op>,
    /// By scripts that the server has forgotten.
    forgotten: Vec<Op>,
    /// At another server, for this reason.
    elsewhere: Vec<Op>,
    why: Option<RedisError>,
    /// As soon as the server can write.
    later: Vec<Op>,
    /// What was done without being told.
    unsure: Option<RedisError>,
}

impl Left {
    fn refused(&mut self, ops: Vec<Op>, error: RedisError, is_closing: bool) {
        match Refusal::of(&error) {
            Refusal::NoScript => self.forgotten.extend(ops),
            Refusal::Elsewhere => {
                self.elsewhere.extend(ops);
                self.why = Some(error);
            }
            Refusal::Later if !is_closing => {
                let (again, new): (Vec<_>, Vec<_>) = ops.into_iter().partition(Op::is_of_a_lease);
                self.later.extend(again);
                refuse(new, &error);
            }
            Refusal::Later | Refusal::Final => refuse(ops, &error),
        }
    }

    async fn see_to(
        self,
        nodes: &Arc<Nodes>,
        node: &Arc<Node>,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), RedisError> {
        let (is_late, is_elsewhere) = (!self.later.is_empty(), !self.elsewhere.is_empty());
        node.put_back(self.later);
        node.put_back(self.elsewhere);
        node.put_back(self.again);
        if !self.forgotten.is_empty() {
            node.put_back(self.forgotten);
            load_scripts(connection).await?;
        }
        if is_elsewhere {
            // Its name may lead to another server by now.
            if let Some(why) = self.why.filter(|_| !nodes.options.cluster) {
                return Err(why);
            }
            sleep(GLANCE).await;
            drop(nodes.refresh().await);
            nodes.reroute(node);
        }
        if is_late {
            sleep(GLANCE).await;
        }
        // What may be done at this server has changed since the connection was made.
        self.unsure.map_or(Ok(()), Err)
    }
}

/// The connection broke with these under way: what may be done twice is, and of the rest nobody knows.
fn lose(node: &Node, ops: impl IntoIterator<Item = Op>, error: &RedisError) {
    let (again, lost): (Vec<Op>, Vec<Op>) = ops.into_iter().partition(Op::may_be_repeated);
    node.put_back(again.into_iter().map(|op| Op { repeated: true, ..op }).collect());
    let error = BrokerError::lost(format!("Redis at {}: {}", node.address, said(error)));
    lost.into_iter().for_each(|op| op.fail(error.clone()));
}
