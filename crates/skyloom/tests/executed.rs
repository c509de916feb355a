//! How a contract's methods are executed is said in the `impl` of its trait: timeout, concurrency, at most once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{Code, Connection, Outcome, prelude::*, service::Described as _, worker::Running};
use tokio::task::JoinSet;

#[derive(Debug, Serialize, Deserialize)]
struct Number {
    number: u32,
}

/// What `skyloom_build` writes for a `.proto`, with JSON in place of protobuf.
#[service(version = 1, name = "works.v1.Works")]
trait Works {
    #[handler]
    async fn brief(&self, ctx: Context, request: Json<Number>) -> Result<Json<Number>>;

    #[handler(timeout = "1h", concurrency = 60)]
    async fn narrow(&self, ctx: Context, request: Json<Number>) -> Result<Json<Number>>;

    #[handler(name = "OnlyOnce")]
    async fn r#final(&self, ctx: Context, request: Json<Number>) -> Result<Json<Number>>;

    #[handler(idempotent)]
    async fn plain(&self, ctx: Context, request: Json<Number>) -> Result<Json<Number>>;

    fn helper(&self) -> u32 {
        0
    }
}

#[derive(Default)]
struct Traces {
    at_once: AtomicU32,
    most_at_once: AtomicU32,
    finals: AtomicU32,
}

#[derive(Clone, Default)]
struct Shop(Arc<Traces>);

#[service]
impl Works for Shop {
    #[handler(timeout = "50ms")]
    async fn brief(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
        std::future::pending::<()>().await;
        Ok(request)
    }

    #[handler(concurrency = 2)]
    async fn narrow(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
        let most = self.0.at_once.fetch_add(1, SeqCst) + 1;
        self.0.most_at_once.fetch_max(most, SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.at_once.fetch_sub(1, SeqCst);
        Ok(request)
    }

    #[handler(once)]
    async fn r#final(&self, _ctx: Context, _request: Json<Number>) -> Result<Json<Number>> {
        self.0.finals.fetch_add(1, SeqCst);
        panic!("it fails on its way");
    }

    #[cfg(not(miri))]
    async fn plain(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
        Ok(request)
    }
}

async fn start() -> (Shop, Running, WorksClient) {
    let (shop, connection) = (Shop::default(), Connection::memory());
    let running = App::new().serve(shop.clone()).start(&connection).await.expect("it starts");
    (shop, running, WorksClient::new(connection.client()))
}

fn number(number: u32) -> Json<Number> {
    Json(Number { number })
}

#[tokio::test(start_paused = true)]
async fn a_timeout_holds_and_is_in_the_contract() {
    let (_shop, _running, works) = start().await;
    let status = works.brief(number(1)).timeout(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{status}");
    assert!(status.message().contains("was started and did not finish"), "{status}");
    // What the `impl` does not say, the trait does.
    let contract = Shop::definition().contract().unwrap();
    let timeouts: Vec<_> = contract.methods.iter().map(|method| method.timeout_ms).collect();
    assert_eq!(timeouts, [Some(50), Some(3_600_000), None, None]);
}

#[tokio::test]
async fn a_methods_concurrency_is_limited() {
    let (shop, _running, works) = start().await;
    let mut calls = JoinSet::new();
    for place in 0..10 {
        calls.spawn(works.narrow(number(place)).into_future());
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(shop.0.most_at_once.load(SeqCst), 2);
}

#[tokio::test]
async fn what_is_executed_once_is_not_tried_again() {
    let (shop, _running, works) = start().await;
    let status = works.r#final(number(1)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "{status}");
    assert_eq!(shop.0.finals.load(SeqCst), 1);
    assert_eq!(works.plain(number(7)).await.unwrap().0.number, 7);
}

mod wrong {
    use super::{Context, Json, Number, Result, Works, service};

    pub(super) struct Contradicted;

    #[service]
    impl Works for Contradicted {
        async fn brief(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        async fn narrow(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        async fn r#final(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        #[handler(once)]
        async fn plain(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
    }

    pub(super) struct Astray;

    #[service]
    impl Works for Astray {
        async fn brief(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        async fn narrow(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        async fn r#final(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        async fn plain(&self, _ctx: Context, request: Json<Number>) -> Result<Json<Number>> {
            Ok(request)
        }
        #[handler(once)]
        fn helper(&self) -> u32 {
            1
        }
    }
}

#[tokio::test]
async fn what_the_contract_excludes_does_not_start() {
    assert_eq!(wrong::Astray.helper(), 1);
    let connection = Connection::memory();
    let started = App::new().serve(wrong::Contradicted).start(&connection).await;
    let sentence = "works.v1.Works/Plain is executed once, and idempotent by its contract: \
                    remove `once` from its function, or the idempotency from the contract";
    assert_eq!(started.err().map(|status| status.message().to_owned()).as_deref(), Some(sentence));
    let started = App::new().serve(wrong::Astray).start(&connection).await;
    let sentence = "works.v1.Works: helper handles no method: remove its `#[handler]`";
    assert_eq!(started.err().map(|status| status.message().to_owned()).as_deref(), Some(sentence));
}
