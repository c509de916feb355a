//! New projects, by `sky new` and by `cargo generate`: the same bytes from both, and projects that build without
//! a warning, are formatted, and pass their own tests against this checkout.

// Helpers of tests fail the test, too.
#![allow(clippy::unwrap_used)]

mod tree;
mod tools;
mod variant;
mod same;
mod builds;
mod guide;
mod mistakes;
mod names;
mod whole;
mod image;
mod images;
