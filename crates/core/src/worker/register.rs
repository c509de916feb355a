//! Makes an instance known, also if the registry is away for a while.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    contract::Contract,
    registry::{Instance, Registration, Registry},
};

/// How long to wait before asking a registry again that was away.
const PAUSE: Duration = Duration::from_secs(1);

/// An instance that is, or will be, registered.
#[derive(Debug)]
pub(super) struct Registered {
    stop: oneshot::Sender<oneshot::Sender<()>>,
}

impl Registered {
    /// Registers now if the registry is there, and else as soon as it is.
    pub(super) async fn start(registry: Arc<dyn Registry>, instance: Instance, contracts: Vec<Contract>) -> Self {
        let first = try_once(&registry, &instance, &contracts).await;
        let (stop, mut stopped) = oneshot::channel::<oneshot::Sender<()>>();
        tokio::spawn(async move {
            let mut registration = first;
            while registration.is_none() {
                tokio::select! {
                    _ = &mut stopped => return,
                    () = tokio::time::sleep(PAUSE) => registration = try_once(&registry, &instance, &contracts).await,
                }
            }
            let done = stopped.await;
            if let Some(registration) = registration {
                registration.deregister().await;
            }
            if let Ok(done) = done {
                // Nobody waits if the drain was given up.
                let _ = done.send(());
            }
        });
        Self { stop }
    }

    /// Deregisters and waits until the registry has taken note.
    pub(super) async fn stop(self) {
        let (done, waiting) = oneshot::channel();
        if self.stop.send(done).is_ok() {
            // An error means that the task has ended, having nothing to deregister.
            drop(waiting.await);
        }
    }
}

async fn try_once(
    registry: &Arc<dyn Registry>,
    instance: &Instance,
    contracts: &[Contract],
) -> Option<Box<dyn Registration>> {
    match registry.register(instance.clone(), contracts.to_vec()).await {
        Ok(registration) => Some(registration),
        Err(error) => {
            tracing::warn!(%error, "could not register; trying again, and serving meanwhile");
            None
        }
    }
}
