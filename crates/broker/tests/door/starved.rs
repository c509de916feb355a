//! A process that has no file descriptor left.

use std::{env, fs::File, process::Command, time::Duration};

use skyloom_broker::door::QuietSocket;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::{sleep, timeout},
};

/// More than the kernel holds for a socket.
const MUCH: usize = 4 << 20;

/// Says to a process of this test that it is the one that has none left.
const STARVED: &str = "TEST_STARVED";

#[test]
fn a_write_that_waits_for_room_needs_no_descriptor_of_its_own() {
    if env::var_os(STARVED).is_some() {
        return starve();
    }
    let test = "starved::a_write_that_waits_for_room_needs_no_descriptor_of_its_own";
    let mut own = Command::new("sh");
    own.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]).arg(env::current_exe().unwrap());
    let output = own.args([test, "--exact", "--nocapture"]).env(STARVED, "1").output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::main(flavor = "current_thread")]
async fn starve() {
    let (one, mut other) = UnixStream::pair().unwrap();
    let mut one = QuietSocket::new(one).unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    assert!(taken.len() < 64, "there is a limit");
    let writer = tokio::spawn(async move { one.write_all(&vec![7; MUCH]).await });
    sleep(Duration::from_millis(50)).await;
    assert!(!writer.is_finished(), "it waits for room");
    let mut read = Vec::new();
    let all = timeout(Duration::from_secs(10), other.read_to_end(&mut read)).await;
    all.expect("it goes on when there is room").unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(read.len(), MUCH);
    drop(taken);
}
