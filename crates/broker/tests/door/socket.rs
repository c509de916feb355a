//! The socket's file.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use skyloom_broker::door::{Address, Door, DoorError, DoorOptions, Inherited, SnapshotPlace};

use crate::raw::{Raw, Running, enqueue, socket};

async fn refusal(path: &Path) -> String {
    Door::bind(Address::Unix(path.to_owned()), DoorOptions::default()).await.unwrap_err().to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn it_and_its_directory_are_the_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/for/it/broker.sock");
    let door = Running::start(&path, DoorOptions::default()).await;
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    door.stop().await;
    assert!(fs::read_dir(path.parent().unwrap()).unwrap().next().is_none(), "nothing is left behind");
}

#[tokio::test]
async fn a_second_broker_is_told_of_the_first_which_stays() {
    let directory = tempfile::tempdir().unwrap();
    let _door = Running::start(&socket(&directory), DoorOptions::default()).await;
    let sentence = refusal(&socket(&directory)).await;
    assert!(sentence.contains("another broker is listening on unix:/"), "{sentence}");
    assert!(sentence.contains("stop it or choose another socket"), "{sentence}");
    Raw::connect(&socket(&directory)).await;
}

#[tokio::test]
async fn a_snapshot_that_could_not_be_written_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let bind = async |file: &str| {
        let snapshot = SnapshotPlace::File(directory.path().join(file));
        let options = DoorOptions { snapshot, ..DoorOptions::default() };
        Door::bind(Address::Unix(socket(&directory)), options).await.map(drop).map_err(|error| error.to_string())
    };
    for file in ["missing/snapshot", "."] {
        let sentence = bind(file).await.unwrap_err();
        assert!(sentence.contains("no snapshot can be written to /"), "{sentence}");
        assert!(sentence.contains("what waits would be lost at each stop"), "{sentence}");
    }
    assert_eq!(bind("snapshot").await, Ok(()));
    assert!(!directory.path().join("snapshot.trial").exists());
}

#[tokio::test]
async fn of_brokers_that_start_at_once_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    // A stale socket, which each of them wants to replace.
    drop(std::os::unix::net::UnixListener::bind(socket(&directory)).unwrap());
    let bind = || tokio::spawn(Door::bind(Address::Unix(socket(&directory)), DoorOptions::default()));
    let attempts: Vec<_> = (0..8).map(|_| bind()).collect();
    let mut doors = Vec::new();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(door) => doors.push(door),
            Err(error) => assert!(matches!(error, DoorError::InUse(_)), "{error}"),
        }
    }
    assert_eq!(doors.len(), 1);
    drop(doors);
    assert!(!socket(&directory).exists());
}

#[tokio::test]
async fn a_stale_one_is_replaced_and_anything_else_is_not() {
    let directory = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(socket(&directory)).unwrap());
    assert!(socket(&directory).exists());
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    Raw::connect(&socket(&directory)).await;
    door.stop().await;

    fs::write(socket(&directory), "a file").unwrap();
    let sentence = refusal(&socket(&directory)).await;
    assert!(sentence.contains("exists and is not a socket"), "{sentence}");
    assert_eq!(fs::read_to_string(socket(&directory)).unwrap(), "a file");
}

#[tokio::test]
async fn one_that_is_not_ours_any_more_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let door = Running::start(&socket(&directory), DoorOptions::default()).await;
    fs::remove_file(socket(&directory)).unwrap();
    fs::write(socket(&directory), "somebody else's").unwrap();
    door.stop().await;
    assert!(socket(&directory).exists());
}

/// Waits until this is so.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not so within 10 s: {what}");
}

#[tokio::test]
async fn one_that_is_removed_is_made_anew_and_who_is_there_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/broker.sock");
    let door = Running::start(&path, DoorOptions::default()).await;
    let mut early = Raw::connect(&path).await;

    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    eventually("the socket is there again", || std::os::unix::net::UnixStream::connect(&path).is_ok()).await;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    early.send(enqueue("greeter.v1", None, "hello")).await;
    let mut late = Raw::connect(&path).await;
    late.consume("greeter.v1", 1, Duration::from_secs(30)).await;
    assert_eq!(late.delivery().await.2, "hello", "it is the same broker");
    assert!(refusal(&path).await.contains("another broker is listening"));
    door.stop().await;
    assert!(!path.exists(), "the new one is removed at the end");
}

#[tokio::test]
async fn one_in_whose_place_is_anothers_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let first = Running::start(&socket(&directory), DoorOptions::default()).await;
    fs::remove_file(socket(&directory)).unwrap();
    let second = Running::start(&socket(&directory), DoorOptions::default()).await;
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let seconds = inode(&socket(&directory));
    // The first looks once a second.
    tokio::time::pause();
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
    first.stop().await;
    assert_eq!(inode(&socket(&directory)), seconds);
    Raw::connect(&socket(&directory)).await;
    second.stop().await;
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let long = directory.path().join("x".repeat(120));
    let sentence = refusal(&long).await;
    assert!(sentence.contains("bytes; this system allows") && sentence.contains("shorter"), "{sentence}");

    fs::write(directory.path().join("file"), "").unwrap();
    let sentence = refusal(&directory.path().join("file/broker.sock")).await;
    assert!(sentence.contains("cannot create the directory"), "{sentence}");
    // Where even root cannot write.
    let sentence = refusal(Path::new("/proc/skyloom/broker.sock")).await;
    assert!(sentence.contains("cannot create the directory /proc/skyloom"), "{sentence}");
    let sentence = refusal(Path::new("/proc/broker.sock")).await;
    assert!(sentence.contains("cannot listen on unix:/proc/broker.sock"), "{sentence}");

    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let sentence = refusal(&open.join("broker.sock")).await;
    assert!(sentence.contains("others may write to the directory"), "{sentence}");
    assert!(!open.join("broker.sock").exists());
}

#[tokio::test]
async fn tcp_is_for_the_loopback_interface_only() {
    let door = Door::bind("tcp://127.0.0.1:0".parse().unwrap(), DoorOptions::default()).await.unwrap();
    let Address::Tcp(bound) = door.address().clone() else { panic!("not TCP") };
    assert_ne!(bound.port(), 0);
    let taken = Door::bind(Address::Tcp(bound), DoorOptions::default()).await.unwrap_err();
    assert!(matches!(taken, DoorError::InUse(_)), "{taken}");
    let exposed = Door::bind(Address::Tcp("0.0.0.0:0".parse().unwrap()), DoorOptions::default()).await.unwrap_err();
    assert!(exposed.to_string().contains("needs TLS and authentication"), "{exposed}");
}

#[tokio::test]
async fn one_that_is_handed_over_may_be_its_groups_but_not_everybodys() {
    let directory = tempfile::tempdir().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(socket(&directory)).unwrap();
    for (mode, is_open) in [(0o600, false), (0o660, false), (0o666, true), (0o602, true)] {
        fs::set_permissions(socket(&directory), fs::Permissions::from_mode(mode)).unwrap();
        let handed = Inherited::Unix(listener.try_clone().unwrap());
        let taken = Door::take_over(handed, DoorOptions::default());
        let refused = taken.err().map(|error| error.to_string());
        assert_eq!(refused.is_some(), is_open, "{mode:o}: {refused:?}");
        assert!(refused.is_none_or(|sentence| sentence.contains("SocketMode=0660 with a SocketGroup")), "{mode:o}");
    }
}
