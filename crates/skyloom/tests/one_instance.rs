//! A call that is meant for one instance: it reaches that one, by the rules of any other call, and ends at once with a
//! word about it if the instance has gone.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{Code, Connection, Guid, InstanceClient, Outcome, Settings, prelude::*, worker::Running};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Number {
    number: u64,
}

fn number(number: u64) -> Json<Number> {
    Json(Number { number })
}

/// What one instance knows, and no other.
#[derive(Clone)]
struct Counter(Arc<State>);

struct State {
    count: AtomicU64,
    at_once: AtomicU64,
    most_at_once: AtomicU64,
    /// Lets handlers that wait go on.
    go: Semaphore,
}

#[service(version = 1)]
impl Counter {
    #[handler]
    async fn add(&self, Json(Number { number }): Json<Number>) -> Result<Json<Number>> {
        Ok(Json(Number { number: self.0.count.fetch_add(number, SeqCst) + number }))
    }

    /// As the instance itself has a method.
    #[handler]
    async fn ping(&self, ctx: Context) -> Result<Json<Number>> {
        Ok(Json(Number { number: u64::from(ctx.method() == "Ping") }))
    }

    #[handler(concurrency = 2)]
    async fn wait(&self) -> Result<()> {
        let most = self.0.at_once.fetch_add(1, SeqCst) + 1;
        self.0.most_at_once.fetch_max(most, SeqCst);
        self.0.go.acquire().await.map_err(|_| Status::internal("closed"))?.forget();
        self.0.at_once.fetch_sub(1, SeqCst);
        self.0.count.fetch_add(1, SeqCst);
        Ok(())
    }

    #[handler(once)]
    async fn once(&self) -> Result<Json<Number>> {
        Ok(Json(Number { number: self.0.count.fetch_add(1, SeqCst) + 1 }))
    }

    #[handler]
    async fn panic(&self) -> Result<()> {
        self.0.count.fetch_add(1, SeqCst);
        panic!("on purpose")
    }

    #[handler]
    async fn up_to(&self, Json(Number { number }): Json<Number>) -> Result<Streaming<Json<Number>>> {
        Ok(Streaming::from_messages((0..number).map(|number| Json(Number { number }))))
    }

    #[handler]
    async fn forever(&self) -> Result<Streaming<Json<Number>>> {
        let (sender, numbers) = Streaming::channel(1);
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            while sender.send(Json(Number { number: 1 })).await.is_ok() {}
            state.count.fetch_add(1, SeqCst);
        });
        Ok(numbers)
    }
}

/// A second service with a method of the same name.
struct Other;

#[service(version = 1)]
impl Other {
    #[handler]
    async fn add(&self, _: Json<Number>) -> Result<Json<Number>> {
        Ok(Json(Number { number: 1_000 }))
    }
}

struct Two {
    connection: Connection,
    client: CounterClient,
    running: Vec<Running>,
    states: Vec<Arc<State>>,
}

impl Two {
    fn id(&self, which: usize) -> Guid {
        self.running[which].instance()
    }

    fn count(&self, which: usize) -> u64 {
        self.states[which].count.load(SeqCst)
    }
}

/// Two instances of both services.
async fn start() -> Two {
    start_with(Settings::default()).await
}

async fn start_with(settings: Settings) -> Two {
    let connection = Connection::memory();
    let (mut running, mut states) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (count, at_once, most_at_once) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let state = Arc::new(State { count, at_once, most_at_once, go: Semaphore::new(0) });
        let app = App::with_settings(settings.clone()).serve(Counter(Arc::clone(&state))).serve(Other);
        running.push(app.start(&connection).await.unwrap());
        states.push(state);
    }
    Two { client: CounterClient::new(connection.client()), connection, running, states }
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("{what}: it is not so"));
}

#[tokio::test]
async fn it_reaches_the_one_that_is_meant() {
    let two = start().await;
    for n in 1..=10 {
        assert_eq!(two.client.add(number(2)).instance(two.id(1)).await.unwrap(), number(2 * n));
    }
    let (once, ledger) = two.client.once().instance(two.id(1)).with_ledger().await.unwrap();
    assert_eq!((once, ledger.sends, ledger.receives), (number(21), 1, 2));
    two.client.add(number(100)).instance(two.id(1)).cast(Duration::ZERO).await.unwrap();
    eventually("the cast is done", || two.count(1) == 121).await;
    assert_eq!(two.count(0), 0);
    let stats = InstanceClient::new(two.connection.client(), two.id(1)).stats().await.unwrap();
    let calls = |name: &str| stats.methods.iter().find(|row| row.name == name).map(|row| row.calls);
    assert_eq!((calls("counter.v1/Add"), calls("counter.v1/Once")), (Some(11), Some(1)));
}

#[tokio::test]
async fn names_are_those_of_its_service() {
    let two = start().await;
    assert_eq!(two.client.ping().instance(two.id(0)).await.unwrap(), number(1));
    let other = OtherClient::new(two.connection.client());
    assert_eq!(other.add(number(1)).instance(two.id(0)).await.unwrap(), number(1_000));
    assert_eq!(two.client.add(number(1)).instance(two.id(0)).await.unwrap(), number(1));
    assert_eq!(InstanceClient::new(two.connection.client(), two.id(0)).ping().await.unwrap().id, two.id(0));
}

#[tokio::test]
async fn a_stream_comes_from_it_and_ends_with_its_reader() {
    let two = start().await;
    let mut numbers = two.client.up_to(number(50)).instance(two.id(1)).await.unwrap();
    for expected in 0..50 {
        assert_eq!(numbers.next().await.unwrap().unwrap(), number(expected));
    }
    assert!(numbers.next().await.is_none());
    let mut endless = two.client.forever().instance(two.id(1)).await.unwrap();
    endless.next().await.unwrap().unwrap();
    drop(endless);
    eventually("the handler has heard of it", || two.count(1) == 1).await;
    assert_eq!(two.count(0), 0);
}

#[tokio::test]
async fn a_panic_is_answered_and_not_tried_again() {
    let two = start().await;
    let status = two.client.panic().instance(two.id(0)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Internal, Outcome::Unknown), "{status}");
    assert!(status.message().contains("on purpose"), "{status}");
    two.client.panic().instance(two.id(0)).cast(Duration::ZERO).await.unwrap();
    eventually("the cast has panicked", || two.count(0) == 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((two.count(0), two.count(1)), (2, 0));
}

#[tokio::test]
async fn a_methods_limit_is_the_same_by_both_ways() {
    let mut two = start().await;
    two.running.pop();
    let mut calls = JoinSet::new();
    for n in 0..8 {
        let call = two.client.wait();
        let call = if n % 2 == 0 { call.instance(two.id(0)) } else { call };
        calls.spawn(call.into_future());
    }
    eventually("as many as may are at work", || two.states[0].at_once.load(SeqCst) == 2).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    two.states[0].go.add_permits(8);
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(two.states[0].most_at_once.load(SeqCst), 2);
}

#[tokio::test]
async fn one_that_is_busy_still_answers_about_itself() {
    let two = start_with(Settings { concurrency: 1, ..Settings::default() }).await;
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        calls.spawn(two.client.wait().instance(two.id(0)).into_future());
    }
    eventually("one is at work", || two.states[0].at_once.load(SeqCst) == 1).await;
    let late = two.client.wait().instance(two.id(0)).timeout(Duration::from_millis(100));
    let status = late.await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::NotStarted), "{status}");
    let one = InstanceClient::new(two.connection.client(), two.id(0));
    assert_eq!(one.ping().await.unwrap().id, two.id(0));
    two.states[0].go.add_permits(200);
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!((two.states[0].most_at_once.load(SeqCst), two.count(0)), (1, 200));
}

#[tokio::test]
async fn one_that_has_too_much_to_do_says_so() {
    let two = start().await;
    let mut calls = JoinSet::new();
    for _ in 0..1_024 {
        calls.spawn(two.client.wait().instance(two.id(0)).into_future());
    }
    eventually("some are at work", || two.states[0].at_once.load(SeqCst) == 2).await;
    let status = two.client.wait().instance(two.id(0)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::ResourceExhausted, Outcome::NotStarted), "{status}");
    two.states[0].go.add_permits(1_024);
    assert!(calls.join_all().await.iter().all(Result::is_ok));
}

fn is_gone(status: &Status) {
    assert_eq!((status.code(), status.outcome()), (Code::NotFound, Outcome::NotStarted), "{status}");
}

#[tokio::test]
async fn one_that_ends_finishes_what_it_has_and_takes_nothing_more() {
    let mut two = start().await;
    let leaving = two.running.remove(0);
    let id = leaving.instance();
    let taken = tokio::spawn(two.client.wait().instance(id).into_future());
    eventually("it is at work", || two.states[0].at_once.load(SeqCst) == 1).await;
    let drain = tokio::spawn(leaving.drain());
    let registry = Arc::clone(&two.connection.registry);
    let left = async {
        while registry.list(&skyloom::registry::Filter::default()).await.unwrap().len() == 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), left).await.expect("it leaves the registry");
    tokio::task::yield_now().await;
    let status = two.client.add(number(1)).instance(id).await.unwrap_err();
    is_gone(&status);
    assert!(status.message().contains(&id.to_string()), "{status}");
    assert_eq!(InstanceClient::new(two.connection.client(), id).ping().await.unwrap().id, id, "it is still there");
    two.states[0].go.add_permits(1);
    taken.await.unwrap().unwrap();
    drain.await.unwrap();
    let begin = Instant::now();
    let status = two.client.add(number(1)).instance(id).await.unwrap_err();
    is_gone(&status);
    assert!(status.message().contains(&id.to_string()), "{status}");
    assert!(begin.elapsed() < Duration::from_secs(5), "it is told at once");
    assert_eq!(two.count(1), 0, "the other has got none of it");
}

#[tokio::test]
async fn one_that_does_not_serve_it_says_what_it_serves() {
    let two = start().await;
    let app = App::with_settings(Settings::default()).serve(Other);
    let other = app.start(&two.connection).await.unwrap();
    let status = two.client.add(number(1)).instance(other.instance()).await.unwrap_err();
    is_gone(&status);
    assert!(status.message().ends_with("does not serve \"counter.v1\"; it serves other.v1"), "{status}");
}
