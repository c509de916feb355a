//! Counts who follows which link: a code-first service that listens to an event and streams.

mod book;
mod service;

pub use self::service::{Audit, AuditClient, Count, Counts, CountsRequest, TailRequest, Visited};
