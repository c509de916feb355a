//! What both programs with figures need of Skyloom: a service, its worker, and the embedded broker.

pub(crate) mod service;
pub(crate) mod embedded;
pub(crate) mod worker;
