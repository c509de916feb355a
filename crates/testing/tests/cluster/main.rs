//! Tests over real processes: the cluster as a newcomer uses it, and what happens when parts of it
//! die, hang or fill up.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

mod kit;
mod faults;
mod cluster;
mod walkthrough;
mod brokers;
mod python;
