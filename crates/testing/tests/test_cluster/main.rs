//! What a service's author tests with, from outside.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

mod shop;
mod unmet;
mod calls;
mod layers;
mod http;
mod fakes;
mod panics;
mod absent;
mod hooks;
mod faults;
mod failures;
