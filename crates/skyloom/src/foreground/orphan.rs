//! A process that does not outlive the one that runs it.

use std::{env, future::pending, os::unix::process::parent_id, time::Duration};

/// The variable by which a program that runs others asks them to end with it: its own process id. What they start
/// themselves has another parent, and is not asked.
pub const RUN_BY: &str = "SKY_RUN_BY";

/// How often to look who the parent is.
const EVERY: Duration = Duration::from_secs(1);

/// Resolves when the parent has gone that has asked for it.
pub(super) async fn orphaned() {
    let asked = env::var(RUN_BY).ok().and_then(|id| id.parse::<u32>().ok());
    if asked != Some(parent_id()) {
        pending::<()>().await;
    }
    while asked == Some(parent_id()) {
        tokio::time::sleep(EVERY).await;
    }
}
