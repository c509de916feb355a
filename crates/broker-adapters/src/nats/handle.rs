//! [`Handle`]: what keeps a connection open.

use std::sync::Arc;

use super::link::Link;

/// What the handles, consumers, inboxes and deliveries of a connection hold. It is closed when the last of them
/// is gone.
pub(super) struct Handle(pub(super) Arc<Link>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}
