//! Each example does what its first lines say, and prints it.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

use std::process::Command;

/// What an example prints.
fn printed(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn middleware() {
    let expected = "without a token: UNAUTHENTICATED: show the token in the header \"token\"\n\
                    with the token: open for Ada\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_middleware")), expected);
}

#[test]
fn fan_out() {
    let expected = "offers: [400, 700], without an answer: sleepy (DEADLINE_EXCEEDED)\nit took 4 requests in all\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_fan_out")), expected);
}

#[test]
fn stream() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_stream")), "tick 1\ntick 2\ntick 3\nthe worker has stopped\n");
}

#[test]
fn retries() {
    let expected = "paid in once, in 2 attempts: 500 cents\n\
                    paid out? ABORTED: the worker was lost; outcome Unknown, in 1 attempt\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_retries")), expected);
}

#[test]
fn saga() {
    let expected = "order 1 of 4200 cents is confirmed\norder 2 of 99900 cents is cancelled\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_saga")), expected);
}

#[test]
fn periodic() {
    let printed = printed(env!("CARGO_BIN_EXE_periodic"));
    let mut lines: Vec<&str> = printed.lines().collect();
    lines.sort_unstable();
    let expected = [1, 2, 3].map(|number| format!("job {number} was done once, by one of two workers"));
    assert_eq!(lines, expected);
}

#[test]
fn two_services() {
    let expected = "HELLO!\none instance serves upper.v1.Upper and shout.v1.Shout\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_two_services")), expected);
}

#[test]
fn instance() {
    let expected = "the cart of Ada has tea, milk, cups\n\
                    the other: this instance does not have that cart\n\
                    5 calls were served by 2 instances\n\
                    the cart has gone with its instance: NOT_FOUND, outcome NotStarted\n";
    assert_eq!(printed(env!("CARGO_BIN_EXE_instance")), expected);
}
