//! What is to be sent while the server is away.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{BrokerError, EnqueueOptions},
};

use super::{
    fixture::{connect, run, server, url},
    load::{Refusals, one_way_says_that_it_was_not_sent, queue as channel, soon},
};

/// How long a caller waits.
const TIME: Duration = Duration::from_millis(200);

#[test]
fn who_calls_meanwhile_hears_in_time_that_nothing_was_sent() {
    run(async {
        let mut server = server();
        let broker = connect(&url(&server, "")).await;
        let (refusals, mut refused) = Refusals::noted();
        let inbox = broker.open_inbox(refusals).await.expect("an inbox");
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

#[test]
fn who_casts_or_publishes_meanwhile_hears_in_time_that_nothing_was_sent() {
    run(async {
        let mut server = server();
        let broker = connect(&url(&server, "")).await;
        server.kill();
        one_way_says_that_it_was_not_sent(broker, &format!("127.0.0.1:{}", server.port())).await;
    });
}
