//! A client made of bare frames, and a door to knock at.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use skyloom_broker::{
    door::{Address, Door, DoorError, DoorOptions},
    engine::{ConsumerId, Message, Ticket},
    wire::{Accepted, ClientFrame, ClientHello, ServerFrame, ServerHello, split_frame},
};
use skyloom_core::{
    Channel, Guid,
    broker::{ConsumeOptions, Lease},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::oneshot,
    task::JoinHandle,
    time,
};

/// Nothing here takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running door in a directory of its own.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), DoorError>>,
}

impl Running {
    pub(crate) async fn start(socket: &Path, options: DoorOptions) -> Self {
        let door = Door::bind(Address::Unix(socket.to_owned()), options).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(door.run(async {
            drop(stopped.await);
        }));
        Self { stop, ended }
    }

    /// As SIGTERM.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        time::timeout(PATIENCE, self.ended).await.unwrap().unwrap().unwrap();
    }

    /// Begins to stop, and leaves the rest to the test.
    pub(crate) fn begin_stop(self) -> JoinHandle<Result<(), DoorError>> {
        self.stop.send(()).unwrap();
        self.ended
    }
}

pub(crate) fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("broker.sock")
}

/// A client.
pub(crate) struct Raw {
    pub(crate) stream: UnixStream,
    buffer: BytesMut,
    pub(crate) accepted: Accepted,
}

impl Raw {
    pub(crate) async fn connect(socket: &Path) -> Self {
        Self::resume(socket, Guid::private()).await
    }

    pub(crate) async fn resume(socket: &Path, session: Guid) -> Self {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        match greet(&mut stream, &ClientHello::new(session, "test")).await {
            ServerHello::Accepted(accepted) => Self { stream, buffer: BytesMut::new(), accepted },
            ServerHello::Refused(reason) => panic!("refused: {reason}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: ClientFrame<Bytes>) {
        self.send_all([frame]).await;
    }

    pub(crate) async fn send_all(&mut self, frames: impl IntoIterator<Item = ClientFrame<Bytes>>) {
        let mut out = BytesMut::new();
        frames.into_iter().for_each(|frame| frame.encode(&mut out).unwrap());
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next frame, or `None` at the connection's end.
    pub(crate) async fn next(&mut self) -> Option<ServerFrame<Bytes>> {
        loop {
            if let Some(frame) = split_frame(&mut self.buffer, 64 << 20).unwrap() {
                return Some(ServerFrame::decode(&frame).unwrap());
            }
            let read = time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.unwrap();
            if read.unwrap() == 0 {
                assert!(self.buffer.is_empty(), "the connection ended in the middle of a frame");
                return None;
            }
        }
    }

    /// Sends a frame with ticket 1 and hears that it is done.
    pub(crate) async fn done(&mut self, frame: ClientFrame<Bytes>) {
        self.send(frame).await;
        match self.next().await {
            Some(ServerFrame::Done { ticket: Ticket(1), result }) => result.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn consume(&mut self, queue: &str, credit: u32, lease: Duration) {
        let options = ConsumeOptions { credit, lease, ..ConsumeOptions::default() };
        let channel = queue.parse().unwrap();
        self.done(ClientFrame::Consume { ticket: Ticket(1), consumer: ConsumerId(1), channel, options }).await;
    }

    pub(crate) async fn delivery(&mut self) -> (Lease, u32, Bytes) {
        match self.next().await {
            Some(ServerFrame::Deliver { lease, attempt, body, .. }) => (lease, attempt, body),
            other => panic!("{other:?}"),
        }
    }

    /// What the broker says before it closes the connection.
    pub(crate) async fn failure(&mut self) -> String {
        let reason = match self.next().await {
            Some(ServerFrame::Failed { reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert!(self.next().await.is_none());
        reason
    }
}

/// Sends a hello and hears the answer.
pub(crate) async fn greet(stream: &mut UnixStream, hello: &ClientHello) -> ServerHello {
    let mut out = BytesMut::new();
    hello.encode(&mut out);
    stream.write_all(&out).await.unwrap();
    answer(stream).await.unwrap()
}

/// The broker's hello, or `None` if it closes without one.
pub(crate) async fn answer(stream: &mut UnixStream) -> Option<ServerHello> {
    let mut buffer = BytesMut::new();
    loop {
        if let Some(hello) = ServerHello::decode(&mut buffer).unwrap() {
            assert!(buffer.is_empty());
            return Some(hello);
        }
        if time::timeout(PATIENCE, stream.read_buf(&mut buffer)).await.unwrap().unwrap() == 0 {
            return None;
        }
    }
}

pub(crate) fn enqueue(queue: &str, reply_to: Option<Guid>, body: impl Into<Bytes>) -> ClientFrame<Bytes> {
    let body = body.into();
    let message = Message {
        id: Guid::call(),
        reply_to,
        priority: 1024,
        delay: Duration::ZERO,
        time_to_live: None,
        size: body.len(),
        body,
    };
    ClientFrame::Enqueue { ticket: Ticket::NONE, channel: queue.parse::<Channel>().unwrap(), message }
}
