//! The NATS adapter against a real nats-server.

mod site;

mod conformance;
