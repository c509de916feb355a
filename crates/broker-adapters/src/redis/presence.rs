//! A process that consumes is subscribed to a publish/subscribe channel of its own, on the server where it
//! consumes: the subscription ends with the process, so that others can see whether it lives.

use std::{sync::Arc, time::Duration};

use ::redis::{RedisError, aio::PubSubSink};
use futures_util::StreamExt as _;
use skyloom_core::broker::BrokerError;
use tokio::time::{sleep, timeout};

use crate::remote::Pauses;

use super::{
    link::{ANSWER_TIME, CONNECT_TIME, listen},
    node::{Node, Presence},
    nodes::Nodes,
    trouble::said,
};

/// How often the server is asked on this connection whether it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Waits until this process is subscribed at a server, for a while.
pub(super) async fn ensure(nodes: &Arc<Nodes>, node: &Arc<Node>, channel: &str) -> Result<(), BrokerError> {
    let is_first = node.presence.send_if_modified(|presence| {
        let is_first = *presence == Presence::Unneeded;
        if is_first {
            *presence = Presence::Missing("no answer".to_owned());
        }
        is_first
    });
    if is_first {
        nodes.runtime.spawn(stay(Arc::clone(nodes), Arc::clone(node), channel.to_owned()));
    }
    let mut presence = node.presence.subscribe();
    let there = timeout(CONNECT_TIME, presence.wait_for(|presence| *presence == Presence::There)).await;
    if matches!(there, Ok(Ok(_))) {
        return Ok(());
    }
    let why = match &*node.presence.borrow() {
        Presence::Missing(why) => why.clone(),
        _ => "no answer".to_owned(),
    };
    Err(BrokerError::unavailable(format!("cannot subscribe to {channel} at Redis {}: {why}", node.address)))
}

async fn stay(nodes: Arc<Nodes>, node: Arc<Node>, channel: String) {
    let mut pauses = Pauses::default();
    loop {
        let subscribed = subscribe(&nodes, &node, &channel, &mut pauses);
        let why = tokio::select! {
            ended = subscribed => ended.err().map_or_else(|| "the connection ended".to_owned(), |error| said(&error)),
            () = nodes.left() => return,
        };
        node.presence.send_replace(Presence::Missing(why));
        sleep(pauses.next()).await;
    }
}

/// Is subscribed until the connection ends.
async fn subscribe(nodes: &Nodes, node: &Node, channel: &str, pauses: &mut Pauses) -> Result<(), RedisError> {
    let (mut sink, mut stream) = listen(&nodes.options, &node.address).await?.split();
    // What is answered comes only while the stream is read.
    let reading = async { while stream.next().await.is_some() {} };
    let staying = async {
        sink.subscribe(channel).await?;
        node.presence.send_replace(Presence::There);
        pauses.works();
        beat(&mut sink).await
    };
    tokio::select! {
        () = reading => Ok(()),
        ended = staying => ended,
    }
}

async fn beat(sink: &mut PubSubSink) -> Result<(), RedisError> {
    loop {
        sleep(HEARTBEAT).await;
        match timeout(ANSWER_TIME, sink.ping::<::redis::Value>()).await {
            Ok(answer) => drop(answer?),
            Err(_) => return Ok(()),
        }
    }
}
