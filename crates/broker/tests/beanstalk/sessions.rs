//! Generated sessions of several clients: every reply is the same, byte for byte, but for times and
//! for what says which program answers.

use proptest::{prelude::*, test_runner::Config};

use crate::{
    pair::Pair,
    steps::{CLIENTS, Step, steps},
};

proptest! {
    #![proptest_config(Config { cases: 120, max_shrink_iters: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_reply_is_beanstalkds(steps in steps()) {
        let mut pair = Pair::start(CLIENTS);
        for (client, step) in steps {
            if pair.pending.contains(&client) && !matches!(step, Step::Reconnect) {
                // It waits for a job and would not be heard.
                continue;
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
    }
}
