//! The embedded broker of Skyloom: a pure engine, the native protocol, and the door that speaks it.

pub mod engine;

pub mod wire;

pub mod door;

pub mod beanstalk;
