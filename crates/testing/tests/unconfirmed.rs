//! A broker that does not confirm what it is sent holds nobody up beyond the deadline.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{
    App, Channel, Connection, Envelope, Outcome,
    broker::{Ack, AckSender, Broker, EnqueueOptions},
    prelude::*,
};
use skyloom_testing::load::{Front, Through};
use tokio::time::{Instant, timeout};

/// A broker that loses what it is sent, and never says so.
#[derive(Debug)]
struct Silent {
    broker: Arc<dyn Broker>,
    unconfirmed: Mutex<Vec<AckSender>>,
}

impl Front for Silent {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn enqueue(&self, _: &Channel, _: Arc<Envelope>, _: EnqueueOptions) -> Ack {
        let (sender, ack) = Ack::waiting();
        self.unconfirmed.lock().unwrap().push(sender);
        ack
    }
}

#[derive(Clone)]
struct Numbers;

#[service(version = 1)]
impl Numbers {
    #[handler]
    async fn one(&self) -> Result<Json<u32>> {
        Ok(Json(1))
    }

    #[handler]
    async fn all(&self) -> Result<Streaming<Json<u32>>> {
        Ok(Streaming::from_messages((0..10).map(Json)))
    }
}

#[tokio::test(start_paused = true)]
async fn calls_casts_and_streams_end_at_their_deadline() {
    const DEADLINE: Duration = Duration::from_secs(2);
    let memory = Connection::memory();
    let _running = App::new().serve(Numbers).start(&memory).await.unwrap();
    let silent = Silent { broker: Arc::clone(&memory.broker), unconfirmed: Mutex::default() };
    let connection = Connection::new(Arc::new(Through(silent)), Arc::clone(&memory.registry), "silent:");
    let client = NumbersClient::new(connection.client());
    for way in ["call", "cast", "stream"] {
        let begun = Instant::now();
        let ended = timeout(Duration::from_secs(60), async {
            match way {
                "call" => client.one().timeout(DEADLINE).await.map(drop),
                "cast" => client.one().timeout(DEADLINE).cast(Duration::ZERO).await,
                _ => client.all().timeout(DEADLINE).await.map(drop),
            }
        });
        let status = ended.await.unwrap_or_else(|_| panic!("a {way} hangs")).unwrap_err();
        assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{way}: {status}");
        assert!(begun.elapsed() <= DEADLINE + Duration::from_millis(2), "{way}: {:?}", begun.elapsed());
    }
}
