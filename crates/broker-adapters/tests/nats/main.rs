//! NATS: JetStream, or queue groups of core NATS keeps every rule, against the real server.
