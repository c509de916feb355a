//! Every block of code in the README and in `docs` is compiled, parsed or run: what a page shows is so.
//!
//! Rust is compiled as doc tests of `examples/src/lib.rs`; that each page is there and leaves nothing out is
//! checked here. `sh` and `console` are run, page by page, in a directory of their own; see `shell`.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

mod page;
mod excuses;
mod elsewhere;
mod compiled;
mod parsed;
mod shell;
mod checks;
mod order;
mod cluster_file;
