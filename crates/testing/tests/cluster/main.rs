//! Tests over real processes: the cluster as a newcomer uses it, what happens when parts of it die, hang or fill
//! up, and how they live under supervisors.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

mod kit;
mod faults;
mod cluster;
mod walkthrough;
mod brokers;
mod killer;
mod unread;
mod python;
mod life;
mod open_files;
mod starting;
mod ending;
mod unreaped;
mod permission;
mod hold;
mod daemontools;
mod systemd;
