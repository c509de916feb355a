//! What a service author and a caller rely on, in one process: deadlines, retries, concurrency,
//! streams, events, casts, tower's layers on both ends, and drain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{
    Channel, Code, Codec, Connection, Guid, InstanceClient, Ledger, Outcome, TopicName,
    client::Request,
    prelude::*,
    worker::{LogAnswer, LogRequest, Running, Server},
};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tower::{limit::ConcurrencyLimitLayer, timeout::TimeoutLayer};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Order {
    #[serde(default)]
    millis: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Number {
    number: u32,
}

/// What the handlers leave behind for the test to look at.
#[derive(Default)]
struct Traces {
    calls: AtomicU32,
    at_once: AtomicU32,
    most_at_once: AtomicU32,
    stream_ended: Notify,
    shared: AtomicU32,
    everywhere: AtomicU32,
}

#[derive(Clone, Default)]
struct Probe(Arc<Traces>);

#[service(version = 1)]
impl Probe {
    /// Takes its time.
    #[handler]
    async fn slow(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Number>> {
        let most = self.0.at_once.fetch_add(1, SeqCst) + 1;
        self.0.most_at_once.fetch_max(most, SeqCst);
        tokio::time::sleep(Duration::from_millis(order.millis)).await;
        self.0.at_once.fetch_sub(1, SeqCst);
        self.0.calls.fetch_add(1, SeqCst);
        Ok(Json(Number { number: ctx.attempt() }))
    }

    /// As slow, but only two at once.
    #[handler(concurrency = 2)]
    async fn narrow(&self, ctx: Context, order: Json<Order>) -> Result<Json<Number>> {
        self.slow(ctx, order).await
    }

    /// Gives up after 50 ms of its own.
    #[handler(timeout = "50ms")]
    async fn brief(&self, ctx: Context, order: Json<Order>) -> Result<Json<Number>> {
        self.slow(ctx, order).await
    }

    /// Succeeds the third time.
    #[handler(idempotent)]
    async fn flaky(&self, _order: Json<Order>) -> Result<Json<Number>> {
        match self.0.calls.fetch_add(1, SeqCst) + 1 {
            number @ 3.. => Ok(Json(Number { number })),
            _ => Err(Status::aborted("not yet")),
        }
    }

    /// The same without the promise that a repetition does no harm.
    #[handler]
    async fn risky(&self, order: Json<Order>) -> Result<Json<Number>> {
        self.flaky(order).await
    }

    /// Numbers without end.
    #[handler]
    async fn numbers(&self, _order: Json<Order>) -> Result<Streaming<Json<Number>>> {
        let (sender, numbers) = Streaming::channel(1);
        let traces = Arc::clone(&self.0);
        tokio::spawn(async move {
            for number in 0.. {
                if sender.send(Json(Number { number })).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            traces.stream_ended.notify_one();
        });
        Ok(numbers)
    }

    /// Calls a slow method without a timeout of its own.
    #[handler]
    async fn nested(&self, ctx: Context, order: Json<Order>) -> Result<Json<Number>> {
        ProbeClient::new(ctx.client()).slow(order).await
    }

    /// Passes on why a call of its own was not started.
    #[handler]
    async fn passing_on(&self, ctx: Context, order: Json<Order>) -> Result<Json<Number>> {
        ProbeClient::new(ctx.client()).slow(order).instance(Guid::private()).await
    }

    /// Says that it has done nothing.
    #[handler]
    async fn closed(&self, _order: Json<Order>) -> Result<Json<Number>> {
        Err(Status::unavailable("closed today"))
    }

    /// Does something, and passes on that a call of its own has done nothing.
    #[handler]
    async fn passing_on_closed(&self, ctx: Context, order: Json<Order>) -> Result<Json<Number>> {
        self.0.calls.fetch_add(1, SeqCst);
        ProbeClient::new(ctx.client()).closed(order).await
    }

    #[event("things.happened", group = "probe")]
    async fn shared(&self, _event: Json<Number>) -> Result<()> {
        self.0.shared.fetch_add(1, SeqCst);
        Ok(())
    }

    #[event("things.changed", broadcast)]
    async fn everywhere(&self, _event: Json<Number>) -> Result<()> {
        self.0.everywhere.fetch_add(1, SeqCst);
        Ok(())
    }
}

struct Started {
    traces: Arc<Traces>,
    running: Vec<Running>,
    connection: Connection,
    client: ProbeClient,
}

async fn start(instances: usize) -> Started {
    let probe = Probe::default();
    let connection = Connection::memory();
    let mut running = Vec::new();
    for _ in 0..instances {
        running.push(App::new().serve(probe.clone()).start(&connection).await.expect("it starts"));
    }
    Started { traces: probe.0, running, client: ProbeClient::new(connection.client()), connection }
}

fn order(millis: u64) -> Json<Order> {
    Json(Order { millis })
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not so within 2 s: {what}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_call_and_says_whether_it_started() {
    let started = start(1).await;
    let begin = Instant::now();
    let status = started.client.slow(order(60_000)).timeout(Duration::from_secs(1)).await.unwrap_err();
    // It was stopped on its way, and nobody knows how far it had come.
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{status}");
    assert!(status.message().contains("was started and did not finish"), "{status}");
    assert!(begin.elapsed() <= Duration::from_secs(1));
    let nobody = Connection::memory();
    let client = ProbeClient::new(nobody.client());
    let status = client.slow(order(1)).timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::NotStarted), "{status}");
}

#[tokio::test(start_paused = true)]
async fn a_methods_own_timeout_holds_whatever_the_caller_allows() {
    let started = start(1).await;
    let begin = Instant::now();
    let status = started.client.brief(order(60_000)).timeout(Duration::from_secs(9)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_handlers_calls_inherit_its_deadline() {
    let started = start(1).await;
    let begin = Instant::now();
    let status = started.client.nested(order(60_000)).timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begin.elapsed() <= Duration::from_secs(1));
    // The default of 10 s would have kept the inner call alive for longer.
    eventually("nothing is left at work", || started.traces.at_once.load(SeqCst) <= 1).await;
}

#[tokio::test]
async fn a_handler_that_passes_on_an_error_has_run_all_the_same() {
    let started = start(1).await;
    let status = started.client.passing_on(order(0)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::NotFound, Outcome::Known), "{status}");
    assert!(!status.is_retry_safe(), "{status}");
}

#[tokio::test]
async fn what_a_callee_says_of_retrying_is_not_said_of_its_caller() {
    let started = start(1).await;
    let status = started.client.closed(order(0)).await.unwrap_err();
    assert!(status.is_retry_safe(), "{status}");
    let status = started.client.passing_on_closed(order(0)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "closed today"));
    assert!(!status.is_retry_safe(), "{status}");
    assert_eq!(started.traces.calls.load(SeqCst), 1, "what has been done is not done again");
}

#[tokio::test]
async fn only_what_may_be_repeated_is_retried() {
    let started = start(1).await;
    let (Json(reply), ledger) = started.client.flaky(order(0)).with_ledger().await.unwrap();
    assert_eq!(reply.number, 3);
    assert_eq!(
        ledger,
        Ledger { sends: 3, receives: 6, settles: 3, retries: 2 },
        "what the failed attempts cost counts"
    );
    started.traces.calls.store(0, SeqCst);
    let status = started.client.risky(order(0)).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(started.traces.calls.load(SeqCst), 1);
}

#[tokio::test]
async fn a_methods_concurrency_is_limited_in_each_instance() {
    let started = start(1).await;
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        calls.spawn(started.client.narrow(order(5)).into_future());
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(started.traces.most_at_once.load(SeqCst), 2);
}

#[tokio::test]
async fn a_stream_that_is_dropped_ends_at_its_worker() {
    let started = start(1).await;
    let mut numbers = started.client.numbers(order(0)).await.unwrap();
    for expected in 0..5 {
        assert_eq!(numbers.next().await.unwrap().unwrap().0.number, expected);
    }
    drop(numbers);
    tokio::time::timeout(Duration::from_secs(5), started.traces.stream_ended.notified()).await.expect("it is told");
}

#[tokio::test]
async fn a_stream_outlives_the_client_that_asked_for_it() {
    let started = start(1).await;
    let mut numbers = ProbeClient::new(started.connection.client()).numbers(order(0)).await.unwrap();
    for expected in 0..100 {
        let next = tokio::time::timeout(Duration::from_secs(20), numbers.next()).await.expect("it goes on");
        assert_eq!(next.unwrap().unwrap().0.number, expected);
    }
}

#[tokio::test]
async fn an_event_reaches_each_group_once_and_a_broadcast_each_instance() {
    let started = start(3).await;
    let client = started.connection.client();
    for number in 0..10 {
        client.publish(&TopicName::new("things.happened").unwrap(), Json(Number { number })).await.unwrap();
        client.publish(&TopicName::new("things.changed").unwrap(), Json(Number { number })).await.unwrap();
    }
    eventually("all events have come", || {
        started.traces.shared.load(SeqCst) == 10 && started.traces.everywhere.load(SeqCst) == 30
    })
    .await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(started.traces.shared.load(SeqCst), 10, "once, not more");
}

#[tokio::test(start_paused = true)]
async fn a_cast_is_done_later_without_a_reply() {
    let started = start(1).await;
    started.client.slow(order(1)).cast(Duration::from_secs(5)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(started.traces.calls.load(SeqCst), 0, "it is held back");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(started.traces.calls.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn towers_layers_wrap_the_client() {
    let started = start(1).await;
    let layered = started.connection.client().layer(TimeoutLayer::new(Duration::from_millis(100)));
    let begin = Instant::now();
    ProbeClient::new(&layered).slow(order(60_000)).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(1), "tower's timeout is shorter than the client's own");
}

#[tokio::test]
async fn towers_layers_wrap_the_handlers() {
    let probe = Probe::default();
    let connection = Connection::memory();
    let app = App::new().serve_with(probe.clone(), ConcurrencyLimitLayer::new(1));
    let _running = app.start(&connection).await.unwrap();
    let client = ProbeClient::new(connection.client());
    let mut calls = JoinSet::new();
    for _ in 0..5 {
        calls.spawn(client.slow(order(5)).into_future());
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(probe.0.most_at_once.load(SeqCst), 1);
}

#[tokio::test]
async fn one_instance_is_reached_and_one_that_is_gone_is_said() {
    let started = start(2).await;
    for _ in 0..4 {
        started.client.slow(order(0)).await.unwrap();
    }
    let mut calls = 0;
    for running in &started.running {
        let one = InstanceClient::new(started.connection.client(), running.instance());
        assert_eq!(one.ping().await.unwrap().id, running.instance());
        calls += one.stats().await.unwrap().methods.iter().map(|method| method.calls).sum::<u64>();
    }
    assert_eq!(calls, 4);
    let gone = InstanceClient::new(started.connection.client(), Guid::private()).timeout(Duration::from_secs(5));
    let status = gone.ping().await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::NotFound, Outcome::NotStarted), "{status}");
}

/// docs/wire.md: a message or nothing.
#[tokio::test]
async fn what_an_instance_logs_is_asked_with_an_empty_message_too() {
    let connection = Connection::memory();
    let control = |request: &LogRequest| {
        let now = request.filter.clone().unwrap_or_else(|| "info".to_owned());
        Ok(LogAnswer { before: "info".to_owned(), now })
    };
    let server = Server::new(Arc::clone(&connection.broker)).serve(Probe::default()).log_control(Arc::new(control));
    let running = server.start().await.unwrap();
    for (message, logs) in [("", "info"), ("{}", "info"), (r#"{"filter":"debug"}"#, "debug")] {
        let channel = Channel::Instance(running.instance());
        let answer = connection.client().call(Request::new(channel, "Log", Codec::Json, message.into())).await.unwrap();
        let answer = String::from_utf8(answer.payload.to_vec()).unwrap();
        assert!(answer.contains(&format!(r#""now":"{logs}""#)), "{message:?}: {answer}");
    }
}

#[tokio::test]
async fn a_drain_finishes_what_was_taken_and_takes_nothing_more() {
    let mut started = start(1).await;
    let call = tokio::spawn(started.client.slow(order(100)).into_future());
    eventually("it is at work", || started.traces.at_once.load(SeqCst) == 1).await;
    started.running.remove(0).drain().await;
    assert!(call.await.unwrap().is_ok(), "what was taken is finished");
    let status = started.client.slow(order(0)).timeout(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(status.outcome(), Outcome::NotStarted, "nobody takes it any more: {status}");
}
