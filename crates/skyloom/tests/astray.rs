//! What goes astray where nobody expects it (a panic in a drop or a clone, one GUID twice, a drain whose time is over, a
//! runtime that ends) costs what it touches, and nobody else.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    task::{self, Poll},
    time::Duration,
};

use skyloom::{
    Channel, Codec, Connection, Envelope, Guid, Kind, QueueName,
    broker::{BoxFuture, ConsumeOptions, EnqueueOptions, ReplySink},
    client::{Client, ClientOptions},
    contract::Contract,
    prelude::*,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Watch},
    worker::{Server, WorkerOptions},
};
use tokio::sync::Notify;
use tower::Layer;

#[derive(Clone, Default)]
struct Echo {
    ended: Arc<Notify>,
    dropped: Arc<AtomicU32>,
}

/// Says when it is dropped.
struct Told(Arc<AtomicU32>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

#[service(version = 1)]
impl Echo {
    #[handler]
    async fn echo(&self, Json(number): Json<u32>) -> Result<Json<u32>> {
        Ok(Json(number))
    }

    /// Never ends, and goes off when it is given up.
    #[handler(concurrency = 1)]
    async fn mined(&self, _: Json<u32>) -> Result<Json<u32>> {
        let _bomb = Bomb;
        std::future::pending().await
    }

    /// A stream that goes off when it is over.
    #[handler]
    async fn mined_stream(&self, _: Json<u32>) -> Result<Streaming<Json<u32>>> {
        let bomb = Bomb;
        Ok(Streaming::from_messages([1, 2].into_iter().map(move |number| {
            let _ = &bomb;
            Json(number)
        })))
    }

    /// So many numbers, as fast as it can.
    #[handler]
    async fn count(&self, Json(count): Json<u32>) -> Result<Streaming<Json<u32>>> {
        Ok(Streaming::from_messages((0..count).map(Json)))
    }

    /// So many messages of 16 KiB, as fast as it can.
    #[handler]
    async fn large(&self, Json(count): Json<u32>) -> Result<Streaming<Json<String>>> {
        Ok(Streaming::from_messages((0..count).map(|_| Json("x".repeat(16 << 10)))))
    }

    /// Never ends.
    #[handler]
    async fn stuck(&self, _: Json<u32>) -> Result<Json<u32>> {
        let _told = Told(Arc::clone(&self.dropped));
        self.ended.notify_one();
        std::future::pending().await
    }

    /// Says nothing for ever.
    #[handler]
    async fn silent(&self, _: Json<u32>) -> Result<Streaming<Json<u32>>> {
        let told = Told(Arc::clone(&self.dropped));
        let (sender, numbers) = Streaming::channel(1);
        tokio::spawn(async move {
            let _told = told;
            sender.closed().await;
        });
        self.ended.notify_one();
        Ok(numbers)
    }
}

/// A layer whose services panic when they are told to.
#[derive(Clone)]
struct Mined {
    in_drop: Arc<AtomicBool>,
    in_clone: Arc<AtomicBool>,
}

struct MinedService<S>(S, Mined);

impl<S: Clone> Clone for MinedService<S> {
    fn clone(&self) -> Self {
        assert!(!self.1.in_clone.swap(false, SeqCst), "in a clone");
        Self(self.0.clone(), self.1.clone())
    }
}

impl<S> Layer<S> for Mined {
    type Service = MinedService<S>;

    fn layer(&self, inner: S) -> MinedService<S> {
        MinedService(inner, self.clone())
    }
}

struct MinedFuture<F>(Pin<Box<F>>, Arc<AtomicBool>);

impl<F: Future> Future for MinedFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<F> Drop for MinedFuture<F> {
    fn drop(&mut self) {
        assert!(!self.1.swap(false, SeqCst), "in a drop");
    }
}

impl<S, R> tower::Service<R> for MinedService<S>
where
    S: tower::Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MinedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        MinedFuture(Box::pin(self.0.call(request)), Arc::clone(&self.1.in_drop))
    }
}

const SOON: Duration = Duration::from_secs(10);

async fn answers(client: &EchoClient) {
    assert_eq!(client.echo(Json(7)).timeout(SOON).await.unwrap().0, 7, "it serves on");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_drop_or_a_clone_of_a_layer_costs_one_attempt() {
    let connection = Connection::memory();
    let mined = Mined { in_drop: Arc::default(), in_clone: Arc::default() };
    let mut running = App::new().serve_with(Echo::default(), mined.clone()).start(&connection).await.unwrap();
    let client = EchoClient::new(connection.client());
    answers(&client).await;
    mined.in_drop.store(true, SeqCst);
    assert_eq!(client.echo(Json(1)).await.unwrap().0, 1);
    // The method with a limit takes the other way, on which the service is cloned.
    mined.in_clone.store(true, SeqCst);
    client.mined(Json(1)).timeout(SOON).await.unwrap_err();
    assert!(!mined.in_clone.load(SeqCst) && !mined.in_drop.load(SeqCst), "both have happened");
    answers(&client).await;
    assert!(tokio::time::timeout(SOON, running.closed()).await.is_err(), "its lanes are there");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_while_it_is_given_up_has_timed_out() {
    let connection = Connection::memory();
    let _running = App::new().serve(Echo::default()).start(&connection).await.unwrap();
    let client = EchoClient::new(connection.client());
    let status = client.mined(Json(1)).timeout(SOON).await.unwrap_err();
    assert_eq!(status.message(), "the handler was started and did not finish in time");
    answers(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_when_it_is_over_has_been_sent() {
    let connection = Connection::memory();
    let mut running = App::new().serve(Echo::default()).start(&connection).await.unwrap();
    let client = EchoClient::new(connection.client());
    let mut stream = client.mined_stream(Json(1)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().0, 1);
    assert_eq!(stream.next().await.unwrap().unwrap().0, 2);
    assert!(tokio::time::timeout(SOON, stream.next()).await.unwrap().is_none());
    client.mined_stream(Json(1)).cast(Duration::ZERO).await.unwrap();
    answers(&client).await;
    assert!(tokio::time::timeout(SOON, running.closed()).await.is_err(), "its lanes are there");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_slow_reader_is_bounded_in_bytes() {
    let connection = Connection::memory();
    let _running = App::new().serve(Echo::default()).start(&connection).await.unwrap();
    assert_eq!(ClientOptions::default().stream_buffer_bytes, 64 << 20);
    let options = ClientOptions { stream_buffer_bytes: 1 << 20, ..ClientOptions::default() };
    let client = EchoClient::new(Client::with_options(Arc::clone(&connection.broker), options));
    let mut stream = client.large(Json(100)).await.unwrap();
    tokio::time::sleep(SOON).await;
    let mut read = 0;
    let status = loop {
        match stream.next().await.expect("it does not end as if it were whole") {
            Ok(_) => read += 1,
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), read), (Code::ResourceExhausted, 63), "1 MiB, with what is counted beside the payloads");
    let mut stream = client.large(Json(60)).await.unwrap();
    tokio::time::sleep(SOON).await;
    for _ in 0..60 {
        stream.next().await.unwrap().unwrap();
    }
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_waits_lets_its_reader_read() {
    let connection = Connection::memory();
    let _running = App::new().serve(Echo::default()).start(&connection).await.unwrap();
    let client = EchoClient::new(connection.client());
    let mut stream = client.count(Json(1_000_000)).await.unwrap();
    for number in 0..20_000 {
        assert_eq!(stream.next().await.unwrap().unwrap().0, number);
    }
    drop(stream);
    answers(&client).await;
}

/// An inbox that only counts.
#[derive(Default)]
struct Ends(AtomicU32);

impl ReplySink for Ends {
    fn reply(&self, envelope: Arc<Envelope>) {
        assert!(envelope.status.is_none(), "{:?}", envelope.status);
        self.0.fetch_add(u32::from(envelope.kind == Kind::Started), SeqCst);
    }

    fn refused(&self, call: Guid, error: skyloom::broker::BrokerError) {
        panic!("{call}: {error}");
    }

    fn lost(&self, _: skyloom::broker::BrokerError, _: &std::collections::HashSet<Guid>) {}
}

#[tokio::test(start_paused = true)]
async fn two_streams_of_one_guid_are_both_sent_and_both_stopped() {
    let connection = Connection::memory();
    let echo = Echo::default();
    let running = App::new().serve(echo.clone()).start(&connection).await.unwrap();
    let ends = Arc::new(Ends::default());
    let inbox = connection.broker.open_inbox(ends.clone()).await.unwrap();
    let channel = Channel::Queue(QueueName::new("echo.v1").unwrap());
    let request = Arc::new(Envelope {
        method: "Silent".into(),
        codec: Codec::Json,
        payload: "1".into(),
        reply_to: Some(inbox.id()),
        ..Envelope::new(Kind::Call, Guid::call())
    });
    for _ in 0..2 {
        connection.broker.enqueue(&channel, Arc::clone(&request), EnqueueOptions::default()).await.unwrap();
        echo.ended.notified().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!((ends.0.load(SeqCst), echo.dropped.load(SeqCst)), (2, 0), "each is sent, once");
    let cancel = Arc::new(Envelope::new(Kind::Cancel, request.id));
    let instance = Channel::Instance(running.instance());
    connection.broker.enqueue(&instance, cancel, EnqueueOptions::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(echo.dropped.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_finished_within_the_drain_time_is_given_up_and_given_back() {
    let connection = Connection::memory();
    let echo = Echo::default();
    let options = WorkerOptions { drain: Duration::from_secs(5), ..WorkerOptions::default() };
    let server = Server::with_options(Arc::clone(&connection.broker), options, ClientOptions::default());
    let running = server.serve(echo.clone()).start().await.unwrap();
    let client = EchoClient::new(connection.client());
    let _call = tokio::spawn(client.stuck(Json(1)).timeout(Duration::from_secs(600)).into_future());
    echo.ended.notified().await;
    let _stream = client.silent(Json(1)).timeout(SOON).await.unwrap();
    running.drain().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(echo.dropped.load(SeqCst), 2, "its executions do not outlive the instance");
    let channel = Channel::Queue(QueueName::new("echo.v1").unwrap());
    let mut next = connection.broker.consume(channel, ConsumeOptions::default()).await.unwrap();
    let mut methods = [next.next().await.unwrap(), next.next().await.unwrap()].map(|d| d.envelope().method.to_string());
    methods.sort();
    assert_eq!(methods, ["Silent", "Stuck"]);
}

#[test]
fn calls_end_at_their_deadline_although_the_runtime_of_the_first_is_gone() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What is taken and never settled ends by the client's own clock.
    let connection = runtime().block_on(async { Connection::memory() });
    let channel = Channel::Queue(QueueName::new("echo.v1").unwrap());
    let mut worker = runtime().block_on(connection.broker.consume(channel, ConsumeOptions::default())).unwrap();
    let client = EchoClient::new(connection.client());
    for round in 0..3 {
        let held = runtime().block_on(async {
            let call = client.echo(Json(1)).timeout(Duration::from_millis(50)).into_future();
            let (ended, held) = tokio::join!(tokio::time::timeout(SOON, call), worker.next());
            let status = ended.unwrap_or_else(|_| panic!("round {round}: it hangs")).unwrap_err();
            assert_eq!(status.code(), Code::DeadlineExceeded);
            held
        });
        std::mem::forget(held);
    }
}

#[test]
fn a_call_under_way_ends_at_its_deadline_although_the_runtime_of_another_is_gone() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connection = runtime().block_on(async { Connection::memory() });
    let channel = Channel::Queue(QueueName::new("echo.v1").unwrap());
    let (first, second) = (runtime(), runtime());
    let mut worker = first.block_on(connection.broker.consume(channel, ConsumeOptions::default())).unwrap();
    let client = EchoClient::new(connection.client());
    let call = |millis| client.echo(Json(1)).timeout(Duration::from_millis(millis)).into_future();
    first.block_on(async { tokio::join!(call(1), worker.next()).0 }).unwrap_err();
    let waiting = second.spawn(call(200));
    let held = second.block_on(worker.next()).unwrap();
    drop(first);
    let ended = second.block_on(async { tokio::time::timeout(SOON, waiting).await });
    assert_eq!(ended.expect("it hangs").unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    drop(held);
}

/// A registry that never says that it has taken note.
#[derive(Debug)]
struct Deaf;

impl Registration for Deaf {
    fn deregister(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

impl Registry for Deaf {
    fn register(
        &self,
        _: Instance,
        _: Vec<Contract>,
    ) -> BoxFuture<'_, std::result::Result<Box<dyn Registration>, RegistryError>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Registration>) })
    }

    fn list<'a>(&'a self, _: &'a Filter) -> BoxFuture<'a, std::result::Result<Vec<Arc<Instance>>, RegistryError>> {
        Box::pin(std::future::pending())
    }

    fn watch(&self) -> BoxFuture<'_, std::result::Result<Watch, RegistryError>> {
        Box::pin(std::future::pending())
    }

    fn contract<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::result::Result<Option<Arc<Contract>>, RegistryError>> {
        Box::pin(std::future::pending())
    }

    fn forget<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::result::Result<bool, RegistryError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_registry_for_ever() {
    let connection = Connection::memory();
    let server = Server::new(Arc::clone(&connection.broker)).registry(Arc::new(Deaf));
    let running = server.serve(Echo::default()).start().await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), running.drain()).await.expect("it ends");
}

#[tokio::test]
async fn a_client_may_have_all_the_time_there_is() {
    let connection = Connection::memory();
    let _running = App::new().serve(Echo::default()).start(&connection).await.unwrap();
    let options = ClientOptions { timeout: Duration::MAX, max_timeout: Duration::MAX, ..ClientOptions::default() };
    let client = Client::with_options(Arc::clone(&connection.broker), options);
    assert_eq!(EchoClient::new(&client).echo(Json(1)).await.unwrap().0, 1);
    assert_eq!(EchoClient::new(&client).echo(Json(2)).timeout(Duration::MAX).await.unwrap().0, 2);
}
