//! What every adapter must do, and helpers for tests over real processes.
