//! What clients may say.

use proptest::{collection::vec, prelude::*, sample::select};

pub(crate) const CLIENTS: usize = 3;

/// One thing that a client does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes, to which so many replies come.
    Say(Vec<u8>, usize),
    /// Reserves, and waits if need be.
    Wait(String),
    /// Goes, and another comes.
    Reconnect,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    vec((0..CLIENTS, step()), 1..60)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => vec(command(), 1..5).prop_map(|commands| {
            let replies = commands.len();
            Step::Say(commands.concat(), replies)
        }),
        4 => select(&["reserve", "reserve-with-timeout 1000", "reserve-with-timeout -1"][..]).prop_map(|line| Step::Wait(line.to_owned())),
        1 => Just(Step::Reconnect),
    ]
}

fn command() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => put(), 20 => line().prop_map(|line| format!("{line}\r\n").into_bytes()), 2 => bad()]
}

fn priority() -> impl Strategy<Value = u32> {
    select(&[0, 1, 1023, 1024, u32::MAX][..])
}

/// Zero, or longer than the test takes.
fn delay() -> impl Strategy<Value = u32> {
    select(&[0, 0, 0, 1000, 2000, u32::MAX][..])
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..12), 2 => vec(select(&b"\r\n "[..]), 0..6), 1 => vec(any::<u8>(), 200..400)]
}

fn put() -> impl Strategy<Value = Vec<u8>> {
    (priority(), delay(), 1000_u32..1010, body()).prop_map(|(priority, delay, ttr, body)| {
        let mut put = format!("put {priority} {delay} {ttr} {}\r\n", body.len()).into_bytes();
        put.extend(body);
        put.extend(b"\r\n");
        put
    })
}

fn tube() -> impl Strategy<Value = &'static str> {
    const LONG: &str = "-/+;.$_()0aZ".split_at(1).1;
    select(&["default", "default", "a", "a", "b/c", LONG, "_own", "A"][..])
}

/// Jobs are numbered from 1.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 1_u64..20, 5 => 20_u64..60, 1 => Just(0), 1 => Just(u64::MAX)]
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just("reserve-with-timeout 0".to_owned()),
        2 => id().prop_map(|id| format!("reserve-job {id}")),
        4 => id().prop_map(|id| format!("delete {id}")),
        4 => (id(), priority(), delay()).prop_map(|(id, priority, delay)| format!("release {id} {priority} {delay}")),
        4 => (id(), priority()).prop_map(|(id, priority)| format!("bury {id} {priority}")),
        1 => id().prop_map(|id| format!("touch {id}")),
        2 => (0_u32..5).prop_map(|count| format!("kick {count}")),
        2 => id().prop_map(|id| format!("kick-job {id}")),
        2 => id().prop_map(|id| format!("peek {id}")),
        3 => select(&["peek-ready", "peek-delayed", "peek-buried"][..]).prop_map(str::to_owned),
        2 => tube().prop_map(|tube| format!("use {tube}")),
        2 => tube().prop_map(|tube| format!("watch {tube}")),
        2 => tube().prop_map(|tube| format!("ignore {tube}")),
        2 => (tube(), select(&[0, 0, 1000][..])).prop_map(|(tube, time)| format!("pause-tube {tube} {time}")),
        2 => id().prop_map(|id| format!("stats-job {id}")),
        2 => tube().prop_map(|tube| format!("stats-tube {tube}")),
        2 => select(&["stats", "list-tubes", "list-tube-used", "list-tubes-watched"][..]).prop_map(str::to_owned),
    ]
}

/// What is wrong, and is answered nevertheless.
fn bad() -> impl Strategy<Value = Vec<u8>> {
    let words = "put|peek|reserve|reserve-with-timeout|reserve-job|delete|release|bury|kick|kick-job|touch|stats-job|\
                 stats-tube|stats|use|watch|ignore|list-tubes|pause-tube|peek-ready|what|PUT";
    let words: Vec<&str> = words.split('|').collect();
    // Never the four numbers of a `put`, nor a `reserve` that waits.
    let argument = select(
        &["", " ", "  ", "x", "-1", "-", "4294967296", "99999999999999999999", "1x", "\0", "\t1", "a b", "é"][..],
    );
    prop_oneof![
        6 => (select(words), vec(argument, 1..4)).prop_map(|(word, arguments)| {
            format!("{word} {}\r\n", arguments.join(" ")).into_bytes()
        }).prop_filter("it must not wait", |line| !line.starts_with(b"reserve-with-timeout") || line.contains(&0)),
        // One whose carriage return is the last of 224 bytes takes the next line with it, and has no reply of its own.
        1 => (223_usize..900).prop_filter("it is a line of its own", |length| length % 224 != 223)
            .prop_map(|length| [&vec![b'x'; length][..], b"\r\n"].concat()),
        2 => Just(b"put 1 0 9 2\r\nabcd".to_vec()),
        1 => (65_536_usize..65_540).prop_map(|size| [format!("put 1 0 9 {size}\r\n").as_bytes(), &vec![b'z'; size], b"\r\n"].concat()),
        1 => Just(b"put 1 0 9 1 \r\n".to_vec()),
    ]
}
