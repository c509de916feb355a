//! A broker that can be killed, stopped as planned, and started again on the same socket.

use std::future::pending;

use skyloom_broker::{
    door::{Address, Door, DoorError, DoorOptions},
    engine::Limits,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// A broker that serves.
pub(crate) struct Running {
    task: JoinHandle<Result<(), DoorError>>,
    stop: Option<oneshot::Sender<()>>,
}

/// Opens a door at this address and serves.
pub(crate) async fn bind(address: &Address) -> Running {
    bind_with(address, Limits::default()).await
}

/// Opens a door with these limits.
pub(crate) async fn bind_with(address: &Address, limits: Limits) -> Running {
    let options = DoorOptions { limits, ..DoorOptions::default() };
    let door = Door::bind(address.clone(), options).await.expect("the door opens");
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        if stopped.await.is_err() {
            pending().await
        }
    };
    Running { task: tokio::spawn(door.run(shutdown)), stop: Some(stop) }
}

impl Running {
    /// As `kill -9` would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err(), "it was serving until now");
    }

    /// As SIGTERM would.
    pub(crate) async fn stop(mut self) {
        self.stop.take().map(|stop| stop.send(())).expect("it is stopped once").expect("it is serving");
        self.task.await.expect("it does not panic").expect("it stops without an error");
    }
}
