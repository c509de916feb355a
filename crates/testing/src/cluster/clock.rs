//! The runtime's clock.

#![allow(clippy::disallowed_types, reason = "the clock that a test cannot pause tells whether the other is")]

/// Pauses the runtime's clock unless it is paused already, which tokio would take for a mistake.
pub(super) fn pause() {
    let (real, before) = (std::time::Instant::now(), tokio::time::Instant::now());
    // A tick of the real clock, some nanoseconds.
    while real.elapsed().is_zero() {
        std::hint::spin_loop();
    }
    if tokio::time::Instant::now() > before {
        tokio::time::pause();
    }
}
