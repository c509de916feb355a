//! `sky hold` while programs that were replaced have not ended.

use std::{fs, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    ground::{Ground, PATIENCE, until},
    holder::{Hold, write_script},
};

/// A program that says to its supervisor what the test wants.
struct Puppet {
    pid: Pid,
    notice: PathBuf,
}

/// Has the next program be one of this name. A stubborn one does not heed SIGTERM.
fn next_is(ground: &Ground, name: &str, is_stubborn: bool) {
    let trap = if is_stubborn { "trap '' TERM\n" } else { "" };
    let tell = format!("echo $$ $NOTIFY_SOCKET > {name}.new\nmv {name}.new {name}\n");
    write_script(ground, &format!("{trap}echo {name} >> starts\n{tell}exec sleep 600\n"));
}

impl Puppet {
    /// The one of this name, once it runs.
    async fn named(ground: &Ground, name: &str) -> Self {
        let file = ground.directory.path().join(name);
        until(name, || file.exists()).await;
        let text = fs::read_to_string(file).unwrap();
        let (pid, notice) = text.trim().split_once(' ').unwrap();
        Self { pid: Pid::from_raw(pid.parse().unwrap()).unwrap(), notice: PathBuf::from(notice) }
    }

    fn says(&self, text: &str) {
        UnixDatagram::unbound().unwrap().send_to(text.as_bytes(), &self.notice).unwrap();
    }

    fn kill(&self) {
        kill_process(self.pid, Signal::KILL).unwrap();
    }

    fn runs(&self) -> bool {
        test_kill_process(self.pid).is_ok()
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        // The holder may be gone, and the program is not to stay.
        let _ = kill_process(self.pid, Signal::KILL);
    }
}

/// What the threads of a process do: `T` if they are stopped, `Z` if they have ended and nobody has asked how.
fn states(pid: Pid) -> Vec<char> {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    let state = |stat: String| stat.rsplit_once(") ")?.1.chars().next();
    threads.filter_map(|thread| state(fs::read_to_string(thread.path().join("stat")).ok()?)).collect()
}

fn starts(ground: &Ground) -> String {
    fs::read_to_string(ground.directory.path().join("starts")).unwrap()
}

#[tokio::test]
async fn what_drains_for_hours_is_told_to_the_supervisor_and_killed_by_a_second_wish() {
    let ground = Ground::new().await;
    let path = ground.directory.path().join("n.sock");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    next_is(&ground, "first", true);
    let hold = Hold::run(&ground, |sky| {
        sky.env("NOTIFY_SOCKET", path);
    });
    let first = Puppet::named(&ground, "first").await;
    first.says("READY=1");
    next_is(&ground, "second", false);
    hold.signal(Signal::USR2);
    let second = Puppet::named(&ground, "second").await;
    second.says("READY=1");
    hold.says("the old one drains", 1).await;
    first.says("STOPPING=1\nEXTEND_TIMEOUT_USEC=3600000000");
    second.says("STATUS=first has spoken");
    let said = move |what: &str| {
        let mut message = [0; 4_096];
        loop {
            let length = supervisor.recv(&mut message).unwrap_or_else(|error| panic!("{what}: {error}"));
            let message = String::from_utf8_lossy(&message[..length]).into_owned();
            // That a replaced program stops is not said: the service goes on.
            assert!(!message.contains("STOPPING=1"), "{message}");
            if message.contains(what) {
                return message;
            }
        }
    };
    said("first has spoken");
    hold.signal(Signal::TERM);
    let told = said("EXTEND_TIMEOUT_USEC=");
    let micros: u64 = told.trim_start_matches("EXTEND_TIMEOUT_USEC=").parse().unwrap();
    assert!((3_000_000_000..=3_610_000_000).contains(&micros), "{told}");
    until("the current program to end", || !second.runs()).await;
    assert!(first.runs());
    hold.signal(Signal::INT);
    let (code, said) = hold.ended().await;
    // The current one was ended by SIGTERM.
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("asked to end once more"), "{said}");
    assert!(!first.runs());
}

#[tokio::test]
async fn what_the_last_program_says_while_it_ends_is_passed_on() {
    let ground = Ground::new().await;
    let path = ground.directory.path().join("n.sock");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    next_is(&ground, "only", true);
    let hold = Hold::run(&ground, |sky| {
        sky.env("NOTIFY_SOCKET", path);
    });
    let only = Puppet::named(&ground, "only").await;
    hold.signal(Signal::TERM);
    hold.says("waiting for what drains", 1).await;
    only.says("STOPPING=1\nEXTEND_TIMEOUT_USEC=7000000");
    let mut message = [0; 4_096];
    let length = supervisor.recv(&mut message).unwrap();
    assert_eq!(&message[..length], b"STOPPING=1\nEXTEND_TIMEOUT_USEC=7000000");
    hold.signal(Signal::INT);
    let (_, said) = hold.ended().await;
    assert!(!only.runs(), "{said}");
}

#[tokio::test]
async fn only_so_many_replaced_programs_drain_at_once() {
    let ground = Ground::new().await;
    next_is(&ground, "p0", true);
    let hold = Hold::run(&ground, |_| {});
    let mut puppets = vec![Puppet::named(&ground, "p0").await];
    puppets[0].says("READY=1");
    for number in 1..=2 {
        next_is(&ground, &format!("p{number}"), true);
        hold.signal(Signal::USR2);
        let puppet = Puppet::named(&ground, &format!("p{number}")).await;
        puppet.says("READY=1");
        hold.says("the old one drains", number).await;
        puppet.says("EXTEND_TIMEOUT_USEC=3600000000");
        puppets.push(puppet);
    }
    next_is(&ground, "p3", false);
    hold.signal(Signal::USR2);
    hold.says("replaced programs still drain", 1).await;
    assert_eq!(starts(&ground), "p0\np1\np2\n");
    puppets[0].kill();
    let last = Puppet::named(&ground, "p3").await;
    last.says("READY=1");
    hold.says("the old one drains", 3).await;
    hold.signal(Signal::INT);
    hold.says("waiting for what drains", 1).await;
    hold.signal(Signal::INT);
    hold.ended().await;
    assert!(puppets.iter().all(|puppet| !puppet.runs()));
}

#[tokio::test]
async fn a_program_that_is_started_anew_is_the_replacement_that_was_wished() {
    let ground = Ground::new().await;
    next_is(&ground, "first", false);
    let hold = Hold::run(&ground, |_| {});
    let first = Puppet::named(&ground, "first").await;
    first.says("READY=1");
    next_is(&ground, "second", false);
    hold.signal(Signal::USR2);
    let second = Puppet::named(&ground, "second").await;
    next_is(&ground, "third", false);
    hold.signal(Signal::USR2);
    // The wish is there before what makes it pointless.
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Both ends are seen at once, and not the one that leaves the other in charge.
    hold.signal(Signal::STOP);
    until("the holder to stand still", || states(hold.pid()).iter().all(|state| *state == 'T')).await;
    for puppet in [&first, &second] {
        puppet.kill();
        until("the program's end", || states(puppet.pid) == ['Z']).await;
    }
    hold.signal(Signal::CONT);
    hold.says("it is started anew", 1).await;
    let third = Puppet::named(&ground, "third").await;
    third.says("READY=1");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(starts(&ground), "first\nsecond\nthird\n", "{}", hold.said());
}
