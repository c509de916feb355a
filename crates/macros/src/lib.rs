//! The attributes of Skyloom.
