//! Many connections and many tubes.

use crate::{client::Client, ours::Ours};

const TUBES: usize = 100_000;

#[test]
fn a_thousand_that_wait_are_served_in_turn() {
    let ours = Ours::start();
    let mut waiting: Vec<Client> = (0..1_000).map(|_| Client::connect(ours.port)).collect();
    for client in &mut waiting {
        client.ask("watch a.second");
        client.send(b"reserve\r\n");
    }
    let mut client = Client::connect(ours.port);
    while !client.ask("stats-tube default").contains("current-waiting: 1000") {}
    client.send(&b"put 0 0 100 1\r\nx\r\n".repeat(1_000));
    for _ in 0..1_000 {
        assert!(client.reply().starts_with("INSERTED"));
    }
    let mut ids: Vec<u64> = waiting.iter_mut().map(|client| client.job().0).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=1_000).collect::<Vec<u64>>());
}

#[test]
fn tubes_come_and_go_by_the_thousand() {
    let ours = Ours::start();
    let mut client = Client::connect(ours.port);
    let puts: Vec<u8> =
        (0..TUBES).flat_map(|tube| format!("use t.{tube}\r\nput 0 0 100 0\r\n\r\n").into_bytes()).collect();
    let mut said = 0;
    for chunk in puts.chunks(1 << 16) {
        client.send(chunk);
        while client.try_reply().is_some() {
            said += 1;
        }
    }
    while said < 2 * TUBES {
        client.reply();
        said += 1;
    }
    assert!(client.ask("stats").contains(&format!("current-tubes: {}", TUBES + 1)));
    client.ask("use default");
    let deletes: Vec<u8> = (1..=TUBES).flat_map(|id| format!("delete {id}\r\n").into_bytes()).collect();
    for chunk in deletes.chunks(1 << 16) {
        client.send(chunk);
        while client.try_reply().is_some() {
            said += 1;
        }
    }
    while said < 3 * TUBES {
        client.reply();
        said += 1;
    }
    assert!(client.ask("stats").contains("current-tubes: 1\\n"));
}
