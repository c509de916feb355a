//! Our broker with both doors, on a thread of its own.

use std::{path::PathBuf, sync::mpsc, thread::JoinHandle};

use skyloom_broker::{
    beanstalk::{BeanstalkDoor, BeanstalkOptions},
    door::{Address, Door, DoorOptions},
    engine::Limits,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) struct Ours {
    pub(crate) port: u16,
    /// The native door's socket.
    pub(crate) socket: PathBuf,
    directory: TempDir,
    drain: Option<oneshot::Sender<()>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ours {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Limits { channels: 1_000_000, ..Limits::default() })
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), limits)
    }

    fn start_in(directory: TempDir, limits: Limits) -> Self {
        let socket = directory.path().join("broker.sock");
        let (drain, drained) = oneshot::channel::<()>();
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let path = socket.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = DoorOptions { limits, ..DoorOptions::default() };
                let door = Door::bind(Address::Unix(path), options).await.unwrap();
                let loopback = "tcp://127.0.0.1:0".parse().unwrap();
                let beside = BeanstalkDoor::bind(loopback, BeanstalkOptions::default(), &door).await.unwrap();
                let Address::Tcp(address) = beside.address() else { panic!("{:?}", beside.address()) };
                tell.send(address.port()).unwrap();
                let drain = async {
                    if drained.await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                let stop = async { drop(stopped.await) };
                beside.run_beside(door, drain, stop).await.unwrap();
            });
        });
        let port = told.recv().unwrap();
        Self { port, socket, directory, drain: Some(drain), stop: Some(stop), thread: Some(thread) }
    }

    /// Takes in no more jobs.
    pub(crate) fn drain(&mut self) {
        self.drain.take().unwrap().send(()).unwrap();
    }

    /// Stops as planned and starts anew.
    pub(crate) fn restart(mut self) -> Self {
        self.end();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        Self::start_in(directory, Limits::default())
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.end();
    }
}
