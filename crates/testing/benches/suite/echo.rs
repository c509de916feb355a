//! The yardstick on a Unix socket: frames that come back as they were, many at a time.

use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex},
};

use skyloom_testing::figures::{rate, ready};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::{Notify, oneshot},
    task::JoinSet,
    time::Instant,
};

use super::common::service::{IN_FLIGHT, PAYLOAD};

/// Payload, GUID and length: what a call cannot do without.
const FRAME: usize = PAYLOAD + 16 + 4;

/// How many frames each of the callers sends in one round.
const CALLS: usize = 2_000;

/// The role of the echo: writes what it reads, all that is waiting at once.
pub(crate) fn serve(socket: &Path) {
    let listener = UnixListener::bind(socket).expect("the socket is free");
    ready("echo");
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        });
    }
}

/// The role of a broker that does nothing: passes on what it reads, all that is waiting at once, from each of two
/// sockets to the other.
pub(crate) async fn relay(socket: &Path, to: &Path) {
    let listener = tokio::net::UnixListener::bind(socket).expect("the socket is free");
    ready("relay");
    while let Ok((near, _)) = listener.accept().await {
        let far = tokio::net::UnixStream::connect(to).await.expect("the echo listens");
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        tokio::spawn(pass_on(near_read, far_write));
        tokio::spawn(pass_on(far_read, near_write));
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while let Ok(1..) = from.read_buf(&mut buffer).await {
        if to.write_all(&buffer).await.is_err() {
            return;
        }
        buffer.clear();
    }
}

/// Passes bytes to and fro, 64 frames at a time, with nobody waiting for any one of them.
pub(crate) fn raw(socket: &Path) -> f64 {
    let mut stream = UnixStream::connect(socket).expect("the echo listens");
    let start = Instant::now();
    let total = IN_FLIGHT * CALLS;
    let mut buffer = vec![0; IN_FLIGHT * FRAME];
    stream.write_all(&buffer).expect("the echo reads");
    let (mut sent, mut received) = (IN_FLIGHT * FRAME, 0);
    while received < total * FRAME {
        let count = stream.read(&mut buffer).expect("the echo writes");
        received += count;
        let more = count.min(total * FRAME - sent);
        stream.write_all(&buffer[..more]).expect("the echo reads");
        sent += more;
    }
    rate(total, start.elapsed())
}

#[derive(Default)]
struct Shared {
    outgoing: Mutex<Vec<u8>>,
    waiting: Mutex<VecDeque<oneshot::Sender<[u8; PAYLOAD]>>>,
    wake: Notify,
}

/// The side that calls: each caller waits for its own frame; what is waiting is written at once.
pub(crate) struct Caller(Arc<Shared>);

impl Caller {
    /// Connects to the echo.
    pub(crate) async fn connect(socket: &Path) -> Self {
        let stream = tokio::net::UnixStream::connect(socket).await.expect("the echo listens");
        let (mut reader, mut writer) = stream.into_split();
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let outgoing = std::mem::take(&mut *writing.outgoing.lock().expect("no panic"));
                if outgoing.is_empty() {
                    writing.wake.notified().await;
                } else {
                    writer.write_all(&outgoing).await.expect("the echo reads");
                }
            }
        });
        let reading = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut buffer = Vec::with_capacity(64 * 1024);
            while reader.read_buf(&mut buffer).await.expect("the echo writes") > 0 {
                let whole = buffer.len() / FRAME * FRAME;
                let mut waiting = reading.waiting.lock().expect("no panic");
                for frame in buffer[..whole].chunks(FRAME) {
                    let reply = frame[20..].try_into().expect("a whole payload");
                    // The order of the replies is that of the requests.
                    waiting.pop_front().expect("somebody waits").send(reply).expect("the caller waits");
                }
                drop(waiting);
                buffer.drain(..whole);
            }
        });
        Self(shared)
    }

    /// One round of all callers.
    pub(crate) async fn round(&self) -> f64 {
        let start = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            let shared = Arc::clone(&self.0);
            callers.spawn(async move {
                for _ in 0..CALLS {
                    let (sender, reply) = oneshot::channel();
                    shared.waiting.lock().expect("no panic").push_back(sender);
                    shared.outgoing.lock().expect("no panic").extend_from_slice(&[7; FRAME]);
                    shared.wake.notify_one();
                    std::hint::black_box(reply.await.expect("a reply"));
                }
            });
        }
        callers.join_all().await;
        rate(IN_FLIGHT * CALLS, start.elapsed())
    }
}
