//! Brokers behind the one port of `skyloom-core`.
