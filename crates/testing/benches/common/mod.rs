//! What both programs with figures need of Skyloom: a service, its worker, and the embedded broker.

pub(crate) mod service;
pub(crate) mod embedded;
pub(crate) mod worker;

/// Takes up `SKYLOOM_BUSY_POLL`, so that one can see what staying awake makes.
pub(crate) fn take_up_busy_poll() {
    skyloom::set_busy_poll(std::env::var("SKYLOOM_BUSY_POLL").as_deref() != Ok("off"));
}
