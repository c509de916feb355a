//! Why a call cannot be made.

use skyloom::{Code, Outcome, Result, Status};

use crate::{
    routes::{Operation, Table},
    state::State,
};

/// Refuses a call of a service that has no running instance, so that its caller need not wait for
/// the deadline to learn of it. Should the registry be wrong, trying again is safe.
pub(crate) fn ensure_live(operation: &Operation) -> Result<()> {
    if operation.service.is_live() {
        return Ok(());
    }
    let message = format!("{} has no running instance now: try again later", operation.service.name);
    Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
}

/// Says that there is nothing at a path, in the code for that; or to come again, as long as the registry does not know yet
/// of everybody who is there.
pub(crate) fn nothing(state: &State, table: &Table, path: &str, code: Code) -> Status {
    let message = missing(table, path);
    if state.is_incomplete() {
        let message = format!("not every service has come back since the broker was lost: try again; so far {message}");
        return Status::unavailable(message).with_outcome(Outcome::NotStarted);
    }
    Status::new(code, message)
}

/// Why there is no method at this path, `/{package.Service}/{Method}`.
fn missing(table: &Table, path: &str) -> String {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if service.contains('.') && !method.contains('/') => {
            table.missing(&short(service), &short(method))
        }
        _ => format!("there is nothing at {:?}", short(path)),
    }
}
