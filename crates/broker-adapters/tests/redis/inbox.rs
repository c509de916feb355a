//! What an inbox keeps.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Envelope, Kind,
    broker::{ConsumeOptions, Settlement},
};
use skyloom_testing::servers::{Server, redis_command, redis_launch};
use tokio::time::{sleep, timeout};

use super::{
    caller::{Caller, consume, figure},
    load::{SOON, queue},
    support::run,
};

/// How large each answer is.
const ANSWER: usize = 16 << 10;

#[test]
fn an_inbox_keeps_little_of_what_it_has_heard_and_nothing_for_long() {
    run(async {
        let server = Server::start(redis_launch());
        let url = format!("redis://127.0.0.1:{}", server.port());
        let (caller, channel) = (Caller::open(&url).await, queue("large.v1"));
        let mut consumer = consume(&caller.broker, &channel, ConsumeOptions::default()).await;
        let inbox = redis_command(&server, "KEYS *:inbox");
        let inbox = inbox.lines().find(|line| line.ends_with(":inbox")).expect("an inbox");
        let mut most = 0;
        for round in 0..30 {
            caller.call(&channel, 1);
            let call = timeout(SOON, consumer.next()).await.expect("in time").expect("a call");
            let mut answer = Envelope::new(Kind::Reply, call.envelope().id);
            answer.payload = call.envelope().payload.clone();
            answer.extras.headers_mut().push("bulk", "x".repeat(ANSWER));
            call.settle(Settlement::Reply(Arc::new(answer))).await.expect("it is settled");
            caller.ends.count(round + 1).await;
            most = most.max(figure(&server, &format!("XLEN {inbox}")));
        }
        assert!((1..=6).contains(&most), "{most} answers were kept");
        empties(&server, inbox).await;
    });
}

#[test]
fn an_inbox_forgets_what_it_has_heard_through_a_connection_that_broke() {
    run(async {
        let server = Server::start(redis_launch());
        let url = format!("redis://127.0.0.1:{}", server.port());
        let (caller, channel) = (Caller::open(&url).await, queue("broken.v1"));
        let mut consumer = consume(&caller.broker, &channel, ConsumeOptions::default()).await;
        let inbox = redis_command(&server, "KEYS *:inbox");
        let inbox = inbox.lines().find(|line| line.ends_with(":inbox")).expect("an inbox");
        caller.call(&channel, 1);
        let call = timeout(SOON, consumer.next()).await.expect("in time").expect("a call");
        let payload = call.envelope().payload.clone();
        let answer = Envelope { payload, ..Envelope::new(Kind::Reply, call.envelope().id) };
        call.settle(Settlement::Reply(Arc::new(answer))).await.expect("it is settled");
        caller.ends.count(1).await;
        assert!(redis_command(&server, "CLIENT KILL TYPE normal SKIPME yes").starts_with(':'));
        empties(&server, inbox).await;
    });
}

/// Waits until an inbox keeps nothing, without another reply.
async fn empties(server: &Server, inbox: &str) {
    let gone = async {
        while figure(server, &format!("XLEN {inbox}")) > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, gone).await.expect("nothing is kept when no more comes");
}
