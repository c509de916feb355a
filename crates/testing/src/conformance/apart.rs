//! Something that lives on a thread and a runtime of its own, and can die there as in a process of its own.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::Builder,
    sync::{oneshot, watch},
};

/// What lives apart has so long for its last words after its last user has dropped it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Ends what lives apart as a signal ends a process: its sockets are closed, and nothing is said before.
#[derive(Debug)]
pub struct Killer(watch::Sender<bool>);

impl Killer {
    /// Ends it.
    pub fn kill(&self) {
        self.0.send_replace(true);
    }
}

/// Makes something on a thread and a runtime of its own. It stays there until it is killed, or until nobody uses
/// it any more.
///
/// # Panics
/// If it cannot be made.
pub async fn apart<T, F>(make: impl FnOnce() -> F + Send + 'static) -> (Arc<T>, Killer)
where
    T: Send + Sync + 'static,
    F: Future<Output = T>,
{
    let (killer, mut is_killed) = watch::channel(false);
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
        runtime.block_on(async {
            let made = Arc::new(make().await);
            let in_use = Arc::downgrade(&made);
            drop(tell.send(made));
            let unused = async {
                while in_use.strong_count() > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::time::sleep(LAST_WORDS).await;
            };
            let killed = async {
                // A killer that is dropped has not killed.
                if is_killed.wait_for(|killed| *killed).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = unused => {}
                () = killed => {}
            }
        });
        // With the runtime its sockets are closed.
    });
    (told.await.expect("it can be made"), Killer(killer))
}
