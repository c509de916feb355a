//! A planned stop, and drain mode.

use skyloom_broker::engine::Limits;
use skyloom_testing::servers::{Launch, Server};

use crate::{client::Client, ours::Ours};

#[test]
fn a_planned_restart_keeps_every_job() {
    let ours = Ours::start();
    let mut client = Client::connect(ours.port);
    client.ask("use Tube/of$ours");
    client.ask("watch Tube/of$ours");
    for (line, body) in [("5 0 100", "ready"), ("6 1000 100", "delayed"), ("1 0 100", "buried"), ("2 0 100", "held")] {
        client.put(line, body.as_bytes());
    }
    client.ask("reserve-job 3");
    client.ask("bury 3 9");
    client.ask("reserve-job 4");
    let ours = ours.restart();
    let mut client = Client::connect(ours.port);
    let stats = client.ask("stats-tube Tube/of$ours");
    // What a worker had is ready again: its connection is gone.
    assert!(
        stats.contains("jobs-ready: 2\\ncurrent-jobs-reserved: 0\\ncurrent-jobs-delayed: 1\\ncurrent-jobs-buried: 1"),
        "{stats}"
    );
    let stats = client.ask("stats-job 3");
    assert!(stats.contains("pri: 9") && stats.contains("ttr: 100") && stats.contains("buries: 1"), "{stats}");
    client.ask("watch Tube/of$ours");
    assert_eq!(client.ask("reserve"), "RESERVED 4 4\\r\\nheld\\r\\n");
    client.ask("use default");
    assert_eq!(client.put("0 0 1", b"x"), "INSERTED 5\\r\\n");
}

#[test]
fn a_draining_broker_takes_no_job_and_gives_them_out() {
    let mut ours = Ours::start();
    let mut client = Client::connect(ours.port);
    client.put("0 0 100", b"x");
    ours.drain();
    while !client.ask("stats").contains("draining: true") {}
    assert_eq!(client.put("0 0 100", b"y"), "DRAINING\\r\\n");
    // The body is looked at first.
    client.send(b"put 0 0 100 1\r\nabc");
    assert_eq!(client.reply(), "EXPECTED_CRLF\\r\\n");
    assert_eq!(client.ask("reserve"), "RESERVED 1 1\\r\\nx\\r\\n");
    assert_eq!(client.ask("delete 1"), "DELETED\\r\\n");
}

#[test]
fn a_full_tube_refuses() {
    let ours = Ours::with(Limits { channel_messages: 2, channels: 2, ..Limits::default() });
    let mut client = Client::connect(ours.port);
    for _ in 0..2 {
        assert!(client.put("0 0 100", b"x").starts_with("INSERTED"));
    }
    assert_eq!(client.put("0 0 100", b"x"), "OUT_OF_MEMORY\\r\\n");
    assert_eq!(client.ask("use a"), "USING a\\r\\n");
    assert_eq!(client.ask("watch b"), "OUT_OF_MEMORY\\r\\n");
    assert_eq!(client.ask("list-tubes"), "OK 18\\r\\n---\\n- default\\n- a\\n\\r\\n");
}

#[test]
fn beanstalkd_itself_answers_our_figures() {
    // The names and the order of all figures.
    let real = Server::start(Launch::beanstalkd());
    let ours = Ours::start();
    let [real, ours] = [real.port(), ours.port].map(|port| {
        let stats = Client::connect(port).ask("stats");
        let keys: Vec<String> = stats.split("\\n").map(|line| line.split(':').next().unwrap().to_owned()).collect();
        keys[1..].to_vec()
    });
    assert_eq!(ours, real);
}
