//! The roles that this program plays as another process.

use std::process::ExitCode;

use skyloom_testing::figures::ROLE;
use tokio::runtime::Builder;

use super::{
    by_hand::{amqp, beanstalk, nats, redis},
    caller,
    common::{embedded, take_up_busy_poll, worker},
    ours::{Ours, endpoints},
};

/// Plays the role that the process was started for, if it was.
pub(crate) fn play() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    take_up_busy_poll();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (role.as_str(), arguments.as_slice()) {
        ("broker", [address]) => embedded::play(address),
        ("worker", ["ours", address]) => worker::play(&endpoints(address)),
        ("worker", ["nats", address]) => work(nats::work(address)),
        ("worker", ["redis", address]) => work(redis::work(address)),
        ("worker", ["beanstalk", address]) => work(beanstalk::work(address)),
        ("worker", ["amqp", address]) => work(amqp::work(address)),
        ("client", [side, address, count]) => client(side, address, count.parse().expect("a number")),
        (role, arguments) => panic!("no role {role} with {arguments:?}"),
    }
    Some(ExitCode::SUCCESS)
}

fn work(worker: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(worker);
}

fn client(side: &str, address: &str, count: usize) {
    match side {
        "ours" => caller::play::<Ours>(address, count),
        "nats" => caller::play::<nats::ByHand>(address, count),
        "redis" => caller::play::<redis::ByHand>(address, count),
        "beanstalk" => caller::play::<beanstalk::ByHand>(address, count),
        "amqp" => caller::play::<amqp::ByHand>(address, count),
        other => panic!("no side {other}"),
    }
}
