//! The embedded broker inside a service's own process, for a single service without a cluster.

use std::time::Duration;

use skyloom_broker::door::{Address, Door, DoorError, DoorOptions};
use skyloom_core::Status;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    config::Settings,
    connect::{Connection, address, is_there},
};

/// How long to look for a local broker before hosting one.
const LOOK: Duration = Duration::from_millis(200);

/// A connection, and the broker behind it if this process hosts it.
pub(crate) struct Hosted {
    pub(crate) connection: Connection,
    door: Option<HostedDoor>,
}

/// What stops the broker, and its end.
type HostedDoor = (oneshot::Sender<()>, JoinHandle<()>);

impl Hosted {
    /// Connects as configured. If nothing says which embedded broker to use, be it for the queues or for
    /// the registry, and none runs on this host, one is hosted here.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Status> {
        let endpoints = settings.endpoints();
        let mut door = None;
        if let Some(url) = endpoints.embedded()?
            && ![&settings.broker, &settings.registry].into_iter().flatten().any(|named| named == url)
        {
            let local = address(url)?;
            if !is_there(&local, LOOK).await {
                door = host(&local).await?;
            }
            if door.is_some() {
                let what = if settings.broker.is_some() { "registry" } else { "broker" };
                tracing::info!(%local, "no {what} was configured and none was there: this process hosts one");
            }
        }
        Ok(Self { connection: endpoints.connect().await?, door })
    }

    /// Closes the connection, and the broker if it is hosted here.
    pub(crate) async fn close(self) {
        self.connection.close().await;
        if let Some((stop, ended)) = self.door {
            // An error means that the broker has ended already.
            let _ = stop.send(());
            drop(ended.await);
        }
    }
}

/// Hosts a broker; none if somebody else has begun to meanwhile, such as another service that was started at the same time.
async fn host(local: &Address) -> Result<Option<HostedDoor>, Status> {
    let door = match Door::bind(local.clone(), DoorOptions::default()).await {
        Ok(door) => door,
        Err(DoorError::InUse(_)) => return Ok(None),
        Err(error) => return Err(Status::unavailable(error.to_string())),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        let run = door.run(async {
            // A dropped sender means the same as a sent one: end.
            drop(stopped.await);
        });
        if let Err(error) = run.await {
            tracing::error!(%error, "the hosted broker has ended");
        }
    });
    Ok(Some((stop, ended)))
}

#[cfg(test)]
mod tests {
    use skyloom_broker::door::Address;

    use super::host;

    #[tokio::test]
    async fn of_two_that_would_host_at_once_one_does() {
        let directory = tempfile::tempdir().unwrap();
        let local = Address::Unix(directory.path().join("broker.sock"));
        let (stop, ended) = host(&local).await.unwrap().expect("nobody else does");
        assert!(host(&local).await.unwrap().is_none(), "the other one connects to it");
        stop.send(()).unwrap();
        ended.await.unwrap();
    }
}
