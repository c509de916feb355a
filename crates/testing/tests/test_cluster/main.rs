//! What a service's author tests with, from outside.

mod shop;
mod calls;
mod layers;
mod http;
mod fakes;
mod hooks;
mod faults;
mod failures;
