//! What becomes of one-way work that fails: it is tried again when its handler says, or never, or set aside.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{Code, Connection, broker::Depth, prelude::*, worker::Running};
use tokio::time::Instant;

/// When the handler was called.
#[derive(Clone, Default)]
struct Flaky(Arc<Mutex<Vec<Instant>>>);

#[service(version = 1)]
impl Flaky {
    /// Fails with this code, and says when to come back if that is not 0.
    #[handler]
    async fn fail(&self, Json((code, after)): Json<(u32, u64)>) -> Result<()> {
        self.0.lock().unwrap().push(Instant::now());
        let status = Status::new(Code::from_number(code), "no");
        Err(if after == 0 { status } else { status.with_retry_after(Duration::from_secs(after)) })
    }
}

struct Started {
    connection: Connection,
    client: FlakyClient,
    running: Running,
    flaky: Flaky,
}

async fn start() -> Started {
    let (connection, flaky) = (Connection::memory(), Flaky::default());
    let running = App::new().serve(flaky.clone()).start(&connection).await.unwrap();
    Started { client: FlakyClient::new(connection.client()), connection, running, flaky }
}

impl Started {
    /// How often it was tried, once nothing more happens, and what became of it.
    async fn tried(&self) -> (Vec<Instant>, Depth) {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let depth = self.connection.broker.depth(&"flaky.v1".parse().unwrap()).await.unwrap();
        (std::mem::take(&mut self.flaky.0.lock().unwrap()), depth)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_again_when_its_handler_says() {
    let started = start().await;
    let unavailable = Code::Unavailable.number();
    started.client.fail(Json((unavailable, 7))).cast(Duration::ZERO).await.unwrap();
    let (tried, depth) = started.tried().await;
    assert_eq!((tried.len(), depth.dead), (5, 1), "as often as may be, and then it is set aside");
    for pair in tried.windows(2) {
        let pause = pair[1] - pair[0];
        assert!((Duration::from_secs(7)..Duration::from_millis(7_100)).contains(&pause), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_set_aside_at_once() {
    let started = start().await;
    for number in 1..=16 {
        let hopeless = matches!(
            Code::from_number(number),
            Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::FailedPrecondition
                | Code::OutOfRange
                | Code::Unimplemented
                | Code::DataLoss
        );
        started.client.fail(Json((number, 0))).cast(Duration::ZERO).await.unwrap();
        let (tried, depth) = started.tried().await;
        assert_eq!(tried.len(), if hopeless { 1 } else { 5 }, "{:?}", Code::from_number(number));
        assert_eq!(depth.dead, u64::from(number));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_for_one_instance_is_tried_by_that_one_and_once() {
    let started = start().await;
    let call = started.client.fail(Json((Code::Unavailable.number(), 7))).instance(started.running.instance());
    call.cast(Duration::ZERO).await.unwrap();
    let (tried, depth) = started.tried().await;
    assert_eq!((tried.len(), depth.ready, depth.delayed, depth.dead), (1, 0, 0, 0));
}
