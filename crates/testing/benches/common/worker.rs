//! The role of the worker.

use skyloom::{App, Endpoints};
use skyloom_testing::figures::ready;
use tokio::runtime::Builder;

use super::service::Bench;

/// Serves the service at these endpoints.
pub(crate) fn play(endpoints: &Endpoints) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = endpoints.connect().await.expect("the broker is there");
        let _running = App::new().serve(Bench).start(&connection).await.expect("the service starts");
        ready("worker");
        std::future::pending::<()>().await;
    });
}
