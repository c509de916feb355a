//! Registries behind the one port of `skyloom-core`.
