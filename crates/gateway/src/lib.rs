//! REST and gRPC in front of the queues.
