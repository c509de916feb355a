//! What a test does to a cluster on purpose.

use std::time::Duration;

use skyloom_core::Status;

/// What happens to the next execution of a method or listener; see [`Cluster::inject`](super::Cluster::inject).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The handler starts this much later. Its caller's time runs meanwhile.
    Delay(Duration),
    /// The handler does not run; this is its answer.
    Error(Status),
    /// The handler panics before it has done anything.
    Panic,
    /// The handler does its work, but its lease has ended by then: its answer is lost, and the work is
    /// delivered once more, as another attempt.
    Redelivery,
    /// The handler does its work, and then its whole instance is lost before it can answer, as with `kill -9`:
    /// all that it had goes to other instances, which [`Cluster::add`](super::Cluster::add) starts if there
    /// are none.
    LostWorker,
}
