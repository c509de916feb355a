//! RabbitMQ: direct reply-to on one channel without confirms; the worker acknowledges.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt as _, future::try_join_all};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use skyloom_testing::figures::ready;
use tokio::sync::oneshot;

use super::super::{caller::Caller, common::service::PAYLOAD};

const REQUESTS: &str = "by-hand";

/// RabbitMQ's name for a queue of replies that is none.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// How many requests the worker has at once at most.
const PREFETCH: u16 = 512;

#[derive(Default)]
struct Waiting {
    last: u64,
    replies: HashMap<String, oneshot::Sender<Vec<u8>>>,
}

/// A caller: all share one channel and its replies.
pub(crate) struct ByHand {
    channel: Channel,
    waiting: Arc<Mutex<Waiting>>,
    _connection: Arc<Connection>,
}

async fn connect(address: &str) -> (Connection, Channel) {
    let connection = Connection::connect(address, ConnectionProperties::default()).await.expect("the server is there");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

async fn publish(channel: &Channel, to: &str, payload: &[u8], properties: BasicProperties) -> lapin::Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), to.into(), options, payload, properties).await?.await?;
    Ok(())
}

impl Caller for ByHand {
    async fn connect(address: &str, count: usize) -> Vec<Self> {
        let (connection, channel) = connect(address).await;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let replies = channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await;
        let mut replies = replies.expect("a consumer");
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let known = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(reply) = replies.next().await {
                let reply = reply.expect("the connection lives");
                let id = reply.properties.correlation_id().as_ref().map(ShortString::as_str).unwrap_or_default();
                let caller = known.lock().expect("no panic").replies.remove(id).expect("somebody waits");
                caller.send(reply.data).expect("the caller waits");
            }
        });
        let connection = Arc::new(connection);
        let one =
            || Self { channel: channel.clone(), waiting: Arc::clone(&waiting), _connection: Arc::clone(&connection) };
        (0..count).map(|_| one()).collect()
    }

    async fn call(&mut self) {
        let (sender, reply) = oneshot::channel();
        let id = {
            let mut waiting = self.waiting.lock().expect("no panic");
            waiting.last += 1;
            let id = waiting.last.to_string();
            waiting.replies.insert(id.clone(), sender);
            id
        };
        let properties = BasicProperties::default().with_reply_to(REPLY_TO.into()).with_correlation_id(id.into());
        publish(&self.channel, REQUESTS, &[b'x'; PAYLOAD], properties).await.expect("the request is sent");
        assert_eq!(reply.await.expect("a reply").len(), PAYLOAD);
    }
}

/// The worker: answers all requests that have come, then acknowledges them together.
pub(crate) async fn work(address: &str) {
    let (_connection, channel) = connect(address).await;
    let (options, arguments) = (QueueDeclareOptions::default(), FieldTable::default());
    channel.queue_declare(REQUESTS.into(), options, arguments.clone()).await.expect("a queue");
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("a limit");
    let options = BasicConsumeOptions::default();
    let requests = channel.basic_consume(REQUESTS.into(), "".into(), options, arguments).await.expect("a consumer");
    let mut chunks = requests.ready_chunks(PREFETCH.into());
    ready("worker");
    while let Some(chunk) = chunks.next().await {
        let chunk: Vec<_> = chunk.into_iter().map(|request| request.expect("the connection lives")).collect();
        let replies = chunk.iter().map(|request| async {
            let properties = &request.properties;
            let to = properties.reply_to().as_ref().expect("a request has a reply queue").as_str();
            let id = properties.correlation_id().clone().expect("a request has an id");
            publish(&channel, to, &request.data, BasicProperties::default().with_correlation_id(id)).await
        });
        try_join_all(replies).await.expect("the replies are sent");
        let last = chunk.last().expect("a chunk is not empty").delivery_tag;
        channel.basic_ack(last, BasicAckOptions { multiple: true }).await.expect("the acknowledgement is sent");
    }
}
