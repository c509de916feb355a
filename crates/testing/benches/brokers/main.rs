//! The figures of the brokers: calls through each of them, beside what one would write by hand on its client.
//! `scripts/bench.sh --brokers` runs it.
//!
//! Client, server and worker are processes of their own; the two sides run in turns against the same server.

#[path = "../common/mod.rs"]
mod common;
mod caller;
mod ours;
mod by_hand;
mod comparison;
mod brokers;
mod role;

use std::process::ExitCode;

use comparison::Comparison;
use skyloom_testing::servers::Launch;

/// A part of the table: its name, the server that it needs, and how it begins.
type Part = (&'static str, &'static str, fn() -> Comparison);

const PARTS: [Part; 6] = [
    ("local", "nats-server", brokers::local),
    ("nats-core", "nats-server", brokers::nats_core),
    ("nats-jetstream", "nats-server", brokers::nats_jetstream),
    ("redis", "redis-server", brokers::redis),
    ("beanstalk", "beanstalkd", brokers::beanstalk),
    ("amqp", "rabbitmq-server", brokers::amqp),
];

fn main() -> ExitCode {
    if let Some(code) = role::play() {
        return code;
    }
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|choice| choice == name);
    let parts: Vec<Part> = PARTS.into_iter().filter(|(name, ..)| is_chosen(name)).collect();
    let mistakes = mistakes(&chosen, &parts);
    if !mistakes.is_empty() {
        eprintln!("{}", mistakes.join("\n"));
        return ExitCode::from(2);
    }
    let mut ok = true;
    for (_, _, begin) in parts {
        for row in begin().rows() {
            ok &= row.is_met();
            row.print();
        }
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Names that are no part, and servers that are not here: a sentence each.
fn mistakes(chosen: &[String], parts: &[Part]) -> Vec<String> {
    let names = PARTS.map(|(name, ..)| name);
    let unknown = chosen.iter().filter(|choice| !names.contains(&choice.as_str()));
    let unknown = unknown.map(|choice| format!("there is no part {choice:?}; there are {}", names.join(", ")));
    let mut absent: Vec<&str> = parts.iter().map(|(_, server, _)| *server).collect();
    absent.dedup();
    absent.retain(|server| !Launch::is_installed(server));
    let absent = absent.into_iter().map(|server| {
        format!("{server} is not installed; install it (Debian: apt-get install {server}), or choose other parts")
    });
    unknown.chain(absent).collect()
}
