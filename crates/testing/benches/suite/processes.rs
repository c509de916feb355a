//! Client, broker and worker as three processes on a Unix socket, beside an echo of two.

use skyloom_testing::figures::{Process, Row, Target, in_turns, rate, rates};
use tokio::{runtime::Builder, task::JoinSet, time::Instant};

use super::{
    common::service::{BenchClient, IN_FLIGHT, Message},
    echo::{Caller, raw},
};

/// How many calls each of the callers makes in one round.
const CALLS: usize = 1_000;

pub(crate) fn rows() -> Vec<Row> {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = format!("unix:{}", directory.path().join("broker.sock").display());
    let _broker = Process::start("broker", &[&socket]);
    let _worker = Process::start("worker", &[&socket]);
    let echo_socket = directory.path().join("echo.sock");
    let _echo = Process::start("echo", &[&echo_socket.display().to_string()]);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let relay_socket = directory.path().join("relay.sock");
    let relay = [&relay_socket, &echo_socket].map(|path| path.display().to_string());
    let _relay = Process::start("relay", &[&relay[0], &relay[1]]);
    let relayed = runtime.block_on(Caller::connect(&relay_socket));
    let (client, caller) = runtime.block_on(async {
        let connection = skyloom::connect(&socket).await.expect("the broker is there");
        (BenchClient::new(connection.client()), Caller::connect(&echo_socket).await)
    });
    let ours = || runtime.block_on(calls(&client));
    let what = "three processes over the Unix socket, 64 in flight : two-process echo with 64 callers";
    let first = rates(what, Target::AtLeast(0.50), in_turns(ours, || runtime.block_on(caller.round())));
    let what = "(for orientation) the same : two processes that pass bytes to and fro, nobody waiting for them";
    let second = rates(what, Target::None, in_turns(ours, || raw(&echo_socket)));
    let what = "(for orientation) the same : three processes of which the one in the middle only passes bytes on";
    let third = rates(what, Target::None, in_turns(ours, || runtime.block_on(relayed.round())));
    vec![first, second, third]
}

async fn calls(client: &BenchClient) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let client = client.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                client.repeat(Message::sample()).await.expect("a reply");
            }
        });
    }
    callers.join_all().await;
    rate(IN_FLIGHT * CALLS, start.elapsed())
}
