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
    let echo = runtime.block_on(async { spawn_echo(|message: Message| message) });
    let ours = || runtime.block_on(calls(&client));
    let yardstick = || runtime.block_on(bare(&echo, |message| message, |message| message));
    let what = "typed in-process call, 64 in flight : bare tokio mpsc + oneshot echo";
    let row = rates(what, Target::AtLeast(0.40), in_turns(ours, yardstick));
    // What a call cannot do without: its messages are encoded once and decoded once on each way.
    let echo = runtime.block_on(async { spawn_echo(|bytes| encode(decode(bytes))) });
    let yardstick = || runtime.block_on(bare(&echo, encode, decode));
    let what = "(for orientation) the same : the echo, with each message encoded and decoded both ways";
    let marshalled = rates(what, Target::None, in_turns(ours, yardstick));
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

type Echo<T> = mpsc::Sender<(T, oneshot::Sender<T>)>;

/// A task that answers each message with what `answer` makes of it.
fn spawn_echo<T: Send + 'static>(answer: impl Fn(T) -> T + Send + 'static) -> Echo<T> {
    let (sender, mut requests) = mpsc::channel::<(T, oneshot::Sender<T>)>(IN_FLIGHT);
    tokio::spawn(async move {
        while let Some((message, reply)) = requests.recv().await {
            reply.send(answer(message)).unwrap_or_else(|_| panic!("the caller waits"));
        }
    });
    sender
}

/// Calls an echo with what `write` makes of a message, and has `read` make one of each answer.
async fn bare<T: Send + 'static>(
    echo: &Echo<T>,
    write: impl Fn(Message) -> T + Copy + Send + Sync + 'static,
    read: impl Fn(T) -> Message + Copy + Send + Sync + 'static,
) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let echo = echo.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                let (sender, reply) = oneshot::channel();
                echo.send((write(Message::sample()), sender)).await.unwrap_or_else(|_| panic!("the echo lives"));
                std::hint::black_box(read(reply.await.expect("a reply")));
            }
        });
    }
    callers.join_all().await;
    rate(IN_FLIGHT * CALLS, start.elapsed())
}

fn encode(message: Message) -> Bytes {
    message.encode_to_vec().into()
}

fn decode(bytes: Bytes) -> Message {
    Message::decode(bytes).expect("a message")
}
