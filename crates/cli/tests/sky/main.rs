//! The command `sky` from the outside: real processes, a real broker on a socket of its own.

// Helpers of tests fail the test, too.
#![allow(clippy::unwrap_used)]

mod echo;
mod ground;
mod site;
mod holder;
mod workspace;
mod load;
mod beanstalk;
mod bench;
mod calls;
mod clusters;
mod completions;
mod config;
mod doctor;
mod edits;
mod edits_mistakes;
mod hold;
mod hold_drain;
mod letters;
mod listening;
mod listings;
mod mistakes;
mod output;
mod routes;
mod secrets;
mod shell;
mod sources;
mod sources_gateway;
mod builds;
mod places;
mod settings;
mod trouble;
mod entries;
mod events;
