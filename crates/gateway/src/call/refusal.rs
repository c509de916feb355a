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
/// of everybody who is there, or if the service is there and there is no room for its routes.
pub(crate) fn nothing(state: &State, table: &Table, path: &str, code: Code) -> Status {
    let method = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let method = method.filter(|(service, method)| service.contains('.') && !method.contains('/'));
    if let Some(message) = method.and_then(|(service, _)| table.left_out(service)) {
        return Status::unavailable(message).with_outcome(Outcome::NotStarted);
    }
    let short = |text: &str| text.chars().take(128).collect::<String>();
    let message = match (method, table.count_left_out()) {
        (Some((service, method)), _) => table.missing(&short(service), &short(method)),
        (None, 0) => format!("there is nothing at {:?}", short(path)),
        (None, count) => {
            let path = short(path);
            format!(
                "there is nothing at {path:?}; services that are left out because there are too many routes: {count}"
            )
        }
    };
    if state.is_incomplete() {
        let message = format!("not every service has come back since the broker was lost: try again; so far {message}");
        return Status::unavailable(message).with_outcome(Outcome::NotStarted);
    }
    Status::new(code, message)
}
