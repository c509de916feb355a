//! Messages of tests, and how calls end.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope, Guid, Kind, QueueName,
    broker::{BrokerError, Consumer, ReplySink},
};
use tokio::time::timeout;

/// What must happen happens within this, however slow the machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) fn queue(name: &'static str) -> Channel {
    Channel::Queue(QueueName::from_static(name))
}

pub(crate) fn cast(number: u32) -> Arc<Envelope> {
    let mut envelope = Envelope::new(Kind::Cast, Guid::call());
    envelope.payload = number.to_le_bytes().to_vec().into();
    envelope.into()
}

pub(crate) fn number(envelope: &Envelope) -> u32 {
    u32::from_le_bytes(envelope.payload[..].try_into().expect("the payload is a number"))
}

pub(crate) async fn next(consumer: &mut Consumer) -> skyloom_core::broker::Delivery {
    timeout(SOON, consumer.next()).await.expect("a delivery comes").expect("the stream goes on")
}

/// How each call has ended.
#[derive(Default)]
pub(crate) struct Ends(Mutex<Noted>);

#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) open: HashSet<Guid>,
    pub(crate) replies: usize,
    pub(crate) lost: usize,
}

impl Ends {
    pub(crate) fn note<T>(&self, note: impl FnOnce(&mut Noted) -> T) -> T {
        note(&mut self.0.lock().expect("nobody panics with it"))
    }

    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Noted) -> bool) {
        let waited = timeout(SOON, async {
            while !self.note(|noted| reached(noted)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{what}"));
    }
}

impl ReplySink for Ends {
    fn reply(&self, envelope: Arc<Envelope>) {
        self.note(|noted| noted.replies += usize::from(noted.open.remove(&envelope.id)));
    }

    fn refused(&self, call: Guid, _: BrokerError) {
        self.note(|noted| noted.lost += usize::from(noted.open.remove(&call)));
    }

    fn lost(&self, _: BrokerError, unsent: &HashSet<Guid>) {
        self.note(|noted| {
            let before = noted.open.len();
            noted.open.retain(|call| unsent.contains(call));
            noted.lost += before - noted.open.len();
        });
    }
}
