//! What `#[skyloom::main]` makes of a `main`.

mod reason;
mod run;

pub use self::run::run;
