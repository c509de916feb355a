//! NATS: JetStream, or queue groups of core NATS.
