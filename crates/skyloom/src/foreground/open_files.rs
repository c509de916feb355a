//! How many files a process may have open. Each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of this process as far as it may. Systems start programs with a low one (1,024) for the sake of those
/// that wait with select(2), which cannot count further; a process here does not.
pub(super) fn raise() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, ..before };
    if raised == before {
        return;
    }
    let [was, most] = [before.current, before.maximum].map(shown);
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!("this process may have {most} files open, and not {was} as it was started with"),
        Err(error) => tracing::debug!(%error, "this process may have {was} files open; it cannot raise that to {most}"),
    }
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string())
}
