//! The command `sky` from the outside: real processes, a real broker on a socket of its own.

mod echo;
mod ground;
mod bench;
mod calls;
mod clusters;
mod letters;
mod listings;
mod mistakes;
