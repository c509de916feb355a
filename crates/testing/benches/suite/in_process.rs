//! A typed call inside one process and thread, beside a bare channel and oneshot.

use bytes::Bytes;
use prost::Message as _;
use skyloom::{App, Connection};
use skyloom_testing::figures::{Row, Target, in_turns, rate, rates};
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};

use super::common::service::{Bench, BenchClient, IN_FLIGHT, Message};

/// How many calls each of the callers makes in one round.
const CALLS: usize = 2_000;

pub(crate) fn rows() -> Vec<Row> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (running, client) = runtime.block_on(async {
        let connection = Connection::memory();
        let running = App::new().serve(Bench).start(&connection).await.expect("the service starts");
        (running, BenchClient::new(connection.client()))
    });
    let echo = runtime.block_on(async { spawn_echo() });
    let ours = || runtime.block_on(calls(&client));
    let yardstick = || runtime.block_on(bare(&echo));
    let what = "typed in-process call, 64 in flight : bare tokio mpsc + oneshot echo";
    let row = rates(what, Target::AtLeast(0.40), in_turns(ours, yardstick));
    let marshalling = runtime.block_on(async { spawn_marshalling_echo() });
    let what = "(for orientation) the same : the echo, with each message encoded and decoded both ways";
    let marshalled = rates(what, Target::None, in_turns(ours, || runtime.block_on(bare_marshalled(&marshalling))));
    runtime.block_on(running.drain());
    vec![row, marshalled]
}

async fn calls(client: &BenchClient) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let client = client.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                let reply = client.repeat(Message::sample()).await.expect("a reply");
                std::hint::black_box(reply);
            }
        });
    }
    callers.join_all().await;
    rate(IN_FLIGHT * CALLS, start.elapsed())
}

type Echo = mpsc::Sender<(Message, oneshot::Sender<Message>)>;

fn spawn_echo() -> Echo {
    let (sender, mut requests) = mpsc::channel::<(Message, oneshot::Sender<Message>)>(IN_FLIGHT);
    tokio::spawn(async move {
        while let Some((message, reply)) = requests.recv().await {
            reply.send(message).expect("the caller waits");
        }
    });
    sender
}

async fn bare(echo: &Echo) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let echo = echo.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                let (sender, reply) = oneshot::channel();
                echo.send((Message::sample(), sender)).await.expect("the echo lives");
                std::hint::black_box(reply.await.expect("a reply"));
            }
        });
    }
    callers.join_all().await;
    rate(IN_FLIGHT * CALLS, start.elapsed())
}

type MarshallingEcho = mpsc::Sender<(Bytes, oneshot::Sender<Bytes>)>;

/// What a call cannot do without: its messages are encoded once and decoded once on each way.
fn spawn_marshalling_echo() -> MarshallingEcho {
    let (sender, mut requests) = mpsc::channel::<(Bytes, oneshot::Sender<Bytes>)>(IN_FLIGHT);
    tokio::spawn(async move {
        while let Some((bytes, reply)) = requests.recv().await {
            let message = Message::decode(bytes).expect("a message");
            reply.send(message.encode_to_vec().into()).expect("the caller waits");
        }
    });
    sender
}

async fn bare_marshalled(echo: &MarshallingEcho) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let echo = echo.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                let (sender, reply) = oneshot::channel();
                let bytes = Message::sample().encode_to_vec().into();
                echo.send((bytes, sender)).await.expect("the echo lives");
                let bytes = reply.await.expect("a reply");
                std::hint::black_box(Message::decode(bytes).expect("a message"));
            }
        });
    }
    callers.join_all().await;
    rate(IN_FLIGHT * CALLS, start.elapsed())
}
