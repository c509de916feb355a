//! What the attributes expand to, and what they say about mistakes.

mod support;

mod functions;
mod items;
mod snapshots;
