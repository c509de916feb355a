//! The engine in another process of this host, through its native door.
