//! Calls that are sent and answered all the while, each without a deadline: the adapter itself tells how it has ended.

use std::{sync::Arc, time::Duration};

use skyloom_broker_adapters::amqp::AmqpBroker;
use skyloom_core::{
    Channel, Envelope, Kind,
    broker::{Broker as _, BrokerError, ConsumeOptions, EnqueueOptions, Inbox, Settlement},
};
use tokio::{task::JoinHandle, time::sleep};

use crate::ends::{Ends, cast};

/// A caller and a worker.
pub(crate) struct Traffic {
    ends: Arc<Ends>,
    calling: JoinHandle<()>,
    answering: JoinHandle<()>,
    _inbox: Arc<Inbox>,
}

impl Traffic {
    /// Begins.
    pub(crate) async fn start(client: AmqpBroker, worker: AmqpBroker, channel: Channel) -> Self {
        let ends = Arc::new(Ends::default());
        let inbox = Arc::new(client.open_inbox(ends.clone()).await.expect("an inbox can be opened"));
        let answering = tokio::spawn(answer(worker, channel.clone()));
        let calling = tokio::spawn(call(client, channel, Arc::clone(&inbox), Arc::clone(&ends)));
        Self { ends, calling, answering, _inbox: inbox }
    }

    /// Waits until so many more calls are answered.
    pub(crate) async fn goes_on(&self, more: usize) {
        let before = self.ends.note(|noted| noted.replies);
        self.ends.until("calls are answered", |noted| noted.replies > before + more).await;
    }

    /// No more calls: those that are open end, each once.
    pub(crate) async fn end(self) {
        self.calling.abort();
        drop(self.calling.await);
        self.ends.until("every call ends", |noted| noted.open.is_empty()).await;
        self.answering.abort();
    }
}

async fn answer(worker: AmqpBroker, channel: Channel) {
    let mut consumer = worker.consume(channel, ConsumeOptions::default()).await.expect("it can be consumed");
    while let Some(delivery) = consumer.next().await {
        let reply = Envelope::new(Kind::Reply, delivery.envelope().id);
        drop(delivery.settle(Settlement::Reply(reply.into())));
    }
}

async fn call(client: AmqpBroker, channel: Channel, inbox: Arc<Inbox>, ends: Arc<Ends>) {
    let (kind, reply_to) = (Kind::Call, Some(inbox.id()));
    loop {
        let call = Envelope { kind, reply_to, ..Envelope::clone(&cast(1)) };
        let id = call.id;
        ends.note(|noted| noted.open.insert(id));
        let sent = client.enqueue(&channel, call.into(), EnqueueOptions::default());
        let ends = Arc::clone(&ends);
        tokio::spawn(async move {
            match sent.await {
                Ok(()) => {}
                Err(BrokerError::Unavailable { .. } | BrokerError::Lost { .. }) => {
                    ends.note(|noted| noted.open.remove(&id));
                }
                // It stays open, so that the test fails.
                Err(error) => eprintln!("call {id}: {error}"),
            }
        });
        sleep(Duration::from_millis(1)).await;
    }
}
