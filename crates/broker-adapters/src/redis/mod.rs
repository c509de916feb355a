//! Redis and Valkey: streams with consumer groups.
