//! A server that wants a password all at once.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{BrokerError, EnqueueOptions},
};
use skyloom_testing::servers::{Server, redis_launch};

use super::{
    load::{Refusals, queue, soon},
    support::{connect, run},
};

/// How long a caller waits.
const TIME: Duration = Duration::from_millis(500);

/// What the server says to each of so many commands is said once.
#[test]
fn who_calls_it_hears_why_in_a_few_words() {
    run(async {
        let server = Server::start(redis_launch());
        let broker = connect(&format!("redis://127.0.0.1:{}", server.port())).await;
        let (refusals, mut refused) = Refusals::noted();
        let inbox = broker.open_inbox(refusals).await.expect("an inbox");
        let mut operator = TcpStream::connect(("127.0.0.1", server.port())).expect("it is there");
        operator
            .write_all(
                b"CONFIG SET requirepass secret\r\nCLIENT KILL TYPE normal\r\nCLIENT KILL TYPE pubsub\r\nQUIT\r\n",
            )
            .expect("it is said");
        operator.read_to_end(&mut Vec::new()).expect("it is done");
        let reason = loop {
            let mut call = Envelope::new(Kind::Call, Guid::call());
            (call.reply_to, call.budget) = (Some(inbox.id()), Some(TIME));
            drop(broker.enqueue(&queue("calls.v1"), Arc::new(call), EnqueueOptions::default()).await);
            // The first may have been sent before.
            match soon("the caller hears", refused.recv()).await.expect("the inbox is there") {
                (_, BrokerError::Unavailable { reason }) if reason.contains("NOAUTH") => break reason,
                _ => {}
            }
        };
        assert_eq!(reason.matches("NOAUTH").count(), 1, "{reason}");
        assert!(reason.ends_with("NOAUTH Authentication required."), "{reason}");
    });
}
