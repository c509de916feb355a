//! `sky hold`: what reaches the gateway behind the socket, and when it is started anew.

use std::{fs, time::Duration};

use rustix::process::{Signal, kill_process, kill_process_group};
use tokio::time::sleep;

use crate::{
    ground::Ground,
    holder::{Hold, script, write},
};

#[tokio::test]
async fn what_is_under_way_is_finished_however_many_hear_that_it_is_to_end() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    for all in ["a terminal's Ctrl-C", "systemd's SIGTERM"] {
        let hold = Hold::start(&ground).await;
        let answer = hold.request(1_200).await;
        if all.contains("Ctrl-C") {
            kill_process_group(hold.pid(), Signal::INT).unwrap();
        } else {
            kill_process(hold.child(), Signal::TERM).unwrap();
            hold.signal(Signal::TERM);
            // Whoever has started it passes it on.
            sleep(Duration::from_millis(100)).await;
            hold.signal(Signal::TERM);
        }
        let answer = answer.await.unwrap();
        let (code, said) = hold.ended().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{all}: {answer}\n{said}");
        assert_eq!(code, Some(0), "{all}: {said}");
        assert!(!said.contains("asked to end once more"), "{all}: {said}");
    }
}

#[tokio::test]
async fn a_program_that_is_away_for_a_moment_is_started_once_it_is_back() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let hold = Hold::start(&ground).await;
    let away = script(&ground).with_extension("away");
    fs::rename(script(&ground), &away).unwrap();
    kill_process(hold.child(), Signal::KILL).unwrap();
    let answer = hold.request(100).await;
    hold.says("the program cannot be started", 2).await;
    fs::rename(away, script(&ground)).unwrap();
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 200 OK"), "{}", hold.said());
    // It is heard while it pauses, too.
    kill_process(hold.child(), Signal::KILL).unwrap();
    hold.says("it is started anew in 1s", 2).await;
    hold.signal(Signal::TERM);
    let (code, said) = hold.ended().await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("the gateway listens").count(), 2, "{said}");
}

#[tokio::test]
async fn what_is_wished_while_a_replacement_starts_is_done_after_it() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let hold = Hold::start(&ground).await;
    write(&ground, "echo first >&2\nsleep 1\n");
    hold.signal(Signal::USR2);
    hold.says("first", 1).await;
    write(&ground, "echo second >&2\n");
    hold.signal(Signal::HUP);
    hold.signal(Signal::USR2);
    hold.says("the new program is ready, and the old one drains", 2).await;
    let said = hold.said();
    assert_eq!((said.matches("first").count(), said.matches("second").count()), (1, 1), "{said}");
    // The old one has read it at once, the first new one as soon as it was ready.
    hold.says("the configuration", 2).await;
    hold.signal(Signal::TERM);
    let (code, said) = hold.ended().await;
    assert_eq!(code, Some(0), "{said}");
}
