//! Generated sessions of several clients: every reply is the same, byte for byte, but for times and
//! for what says which program answers.

use std::cell::Cell;

use proptest::test_runner::{Config, TestRunner};
use skyloom_testing::servers::{Launch, Server};

use crate::{
    pair::Pair,
    steps::{CLIENTS, Step, steps},
};

#[test]
fn every_reply_is_beanstalkds() {
    // One beanstalkd, and so one port, for all sessions; each finds it as new.
    let server = Cell::new(Some(Server::start(Launch::beanstalkd())));
    let config = Config { cases: 100, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&steps(), |steps| {
        let real = server.take().unwrap_or_else(|| Server::start(Launch::beanstalkd()));
        let mut pair = Pair::with(real, CLIENTS);
        for (client, step) in steps {
            hold(&mut pair, client, step);
        }
        server.set(Some(pair.renewed()));
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

fn hold(pair: &mut Pair, client: usize, step: Step) {
    if pair.pending.contains(&client) && !matches!(step, Step::Reconnect) {
        // It waits for a job and would not be heard.
        return;
    }
    match step {
        Step::Say(bytes, replies) => pair.say(client, &bytes, replies),
        // Which of several that wait is first is a matter of taste.
        Step::Wait(_) if !pair.pending.is_empty() => pair.say(client, b"reserve-with-timeout 0\r\n", 1),
        Step::Wait(line) => pair.reserve(client, &line),
        Step::Reconnect => pair.reconnect(client),
    }
    pair.settle();
}
