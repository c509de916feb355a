//! The embedded broker inside a service's own process, for a single service without a cluster.

use std::time::Duration;

use skyloom_broker::door::{Address, Door, DoorOptions};
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
    door: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

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
                door = Some(host(&local).await?);
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

async fn host(local: &Address) -> Result<(oneshot::Sender<()>, JoinHandle<()>), Status> {
    let refused = |error: skyloom_broker::door::DoorError| Status::unavailable(error.to_string());
    let door = Door::bind(local.clone(), DoorOptions::default()).await.map_err(refused)?;
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
    Ok((stop, ended))
}
