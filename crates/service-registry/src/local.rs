//! The registry of the engine in another process of this host.
