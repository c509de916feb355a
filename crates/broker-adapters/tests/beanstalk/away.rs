//! What is to be sent while the server is away.

use std::{collections::HashSet, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{BrokerError, EnqueueOptions, ReplySink},
};
use tokio::sync::mpsc;

use super::{
    fixture::{connect, run, server, url},
    load::{queue as channel, soon},
};

/// How long a caller waits.
const TIME: Duration = Duration::from_millis(200);

/// Notes which calls were refused.
struct Refusals(mpsc::UnboundedSender<(Guid, BrokerError)>);

impl ReplySink for Refusals {
    fn reply(&self, _: Arc<Envelope>) {}

    fn refused(&self, call: Guid, error: BrokerError) {
        self.0.send((call, error)).expect("it is read");
    }

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}

#[test]
fn who_calls_meanwhile_hears_in_time_that_nothing_was_sent() {
    run(async {
        let mut server = server();
        let broker = connect(&url(&server, "")).await;
        let (refusals, mut refused) = mpsc::unbounded_channel();
        let inbox = broker.open_inbox(Arc::new(Refusals(refusals))).await.expect("an inbox");
        server.kill();
        for channel in [channel("calls.v1"), Channel::Instance(Guid::private())] {
            let mut call = Envelope::new(Kind::Call, Guid::call());
            (call.reply_to, call.budget) = (Some(inbox.id()), Some(TIME));
            let id = call.id;
            broker.enqueue(&channel, Arc::new(call), EnqueueOptions::default()).await.expect("it waits");
            let (told, error) = soon("the caller hears", refused.recv()).await.expect("the inbox is there");
            assert_eq!(told, id, "{channel}");
            let BrokerError::Unavailable { reason } = error else { panic!("{channel}: {error}") };
            assert!(reason.contains(&format!("127.0.0.1:{}", server.port())), "{channel}: {reason}");
        }
    });
}
