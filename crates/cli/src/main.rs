//! The command `sky`.

fn main() {}
