//! Why a call cannot be made.

use skyloom::{Outcome, Result, Status};

use crate::routes::{Operation, Table};

/// Refuses a call of a service that has no running instance, so that its caller need not wait for
/// the deadline to learn of it. Should the registry be wrong, trying again is safe.
pub(crate) fn ensure_live(operation: &Operation) -> Result<()> {
    if operation.service.is_live() {
        return Ok(());
    }
    let message = format!("{} has no running instance now: try again later", operation.service.name);
    Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
}

/// Why there is no method at this path, `/{package.Service}/{Method}`.
pub(crate) fn missing(table: &Table, path: &str) -> String {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if service.contains('.') && !method.contains('/') => {
            table.missing(&short(service), &short(method))
        }
        _ => format!("there is nothing at {:?}", short(path)),
    }
}
