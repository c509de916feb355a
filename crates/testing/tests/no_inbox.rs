//! A broker that opens no inbox holds no caller up beyond its deadline, and is asked again if it was away.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{
    Connection, Outcome,
    broker::{BoxFuture, Broker, BrokerError, Inbox, ReplySink},
    prelude::*,
};
use skyloom_testing::load::{Front, Through};
use tokio::time::{Instant, timeout};

/// A broker that is away for the first inboxes that it is asked for, and says so or does not.
#[derive(Debug)]
struct Away {
    broker: Arc<dyn Broker>,
    times: u32,
    says_so: bool,
    asked: Arc<AtomicU32>,
}

impl Front for Away {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        if self.asked.fetch_add(1, SeqCst) >= self.times {
            return self.broker.open_inbox(sink);
        }
        let says_so = self.says_so;
        Box::pin(async move { if says_so { Err(BrokerError::unavailable("it is away")) } else { pending().await } })
    }
}

struct Numbers;

#[service(version = 1)]
impl Numbers {
    #[handler]
    async fn one(&self) -> Result<Json<u32>> {
        Ok(Json(1))
    }

    #[handler]
    async fn all(&self) -> Result<Streaming<Json<u32>>> {
        Ok(Streaming::from_messages([Json(1)]))
    }
}

const DEADLINE: Duration = Duration::from_secs(2);

async fn start(times: u32, says_so: bool) -> (NumbersClient, skyloom::worker::Running, Arc<AtomicU32>) {
    let (memory, asked) = (Connection::memory(), Arc::<AtomicU32>::default());
    let running = App::new().serve(Numbers).start(&memory).await.unwrap();
    let away = Away { broker: Arc::clone(&memory.broker), times, says_so, asked: Arc::clone(&asked) };
    let connection = Connection::new(Arc::new(Through(away)), Arc::clone(&memory.registry), "away:");
    (NumbersClient::new(connection.client()), running, asked)
}

#[tokio::test(start_paused = true)]
async fn calls_and_streams_end_at_their_deadline() {
    let (client, _running, _) = start(u32::MAX, false).await;
    for way in ["call", "stream"] {
        let begun = Instant::now();
        let ended = timeout(Duration::from_secs(60), async {
            match way {
                "call" => client.one().timeout(DEADLINE).await.map(drop),
                _ => client.all().timeout(DEADLINE).await.map(drop),
            }
        });
        let status = ended.await.unwrap_or_else(|_| panic!("a {way} hangs")).unwrap_err();
        assert_eq!((status.code(), status.outcome()), (Code::Unavailable, Outcome::NotStarted), "{way}: {status}");
        assert!(status.ledger().is_empty(), "{way}: nothing was sent: {}", status.ledger());
        assert!(begun.elapsed() <= DEADLINE + Duration::from_millis(2), "{way}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_call_asks_again() {
    let (client, _running, asked) = start(2, true).await;
    assert_eq!(client.one().timeout(DEADLINE).await.unwrap().0, 1);
    assert_eq!(client.one().await.unwrap().0, 1);
    assert_eq!(asked.load(SeqCst), 3, "one inbox is enough");
    let (client, _running, asked) = start(u32::MAX, true).await;
    let status = client.one().timeout(DEADLINE).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Unavailable, Outcome::NotStarted), "{status}");
    assert_eq!(asked.load(SeqCst), 3, "not for ever");
}
