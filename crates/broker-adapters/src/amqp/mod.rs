//! RabbitMQ, and relatives that have its extensions of AMQP 0-9-1 (confirms, `mandatory`, `basic.nack`,
//! dead-letter exchanges, per-message TTL).
//!
//! The protocol is spoken by a driver of our own, and not by a client library: the ecosystem's runs a thread for
//! each connection and waits for each message to be written, while here everything that waits goes out with one
//! write, replies are acknowledged in bulk, and a process keeps its one event loop.
//!
//! # How Skyloom maps to it
//! Every name begins with the option `prefix`, here `skyloom`. All queues are reached through the default exchange.
//!
//! | Skyloom | RabbitMQ |
//! |---|---|
//! | queue `greeter.v1` | durable queue `skyloom.greeter.v1`, bounded, `x-overflow=reject-publish` |
//! | what comes back to it | durable queue `skyloom.greeter.v1:again`; consumers take from both |
//! | what is held back | durable queues `skyloom.greeter.v1:later:<ms>` with a TTL, in a chain that ends in `:again` |
//! | dead letters | durable queue `skyloom.greeter.v1:dead` |
//! | topic, group | fanout exchange `skyloom.links.visited`, queue `skyloom.links.visited/audit` (and its `:again`) |
//! | instance | queue `skyloom._inst.<guid>`, deleted with its consumer |
//! | inbox | queue `skyloom._inbox.<guid>`, not exclusive, gone after a minute without its client; a durable one also has `skyloom._inbox.<guid>:token`, by which its client knows that the server was away |
//! | which channels there are | queue `skyloom:channels`, a note in it for each channel when it was new |
//!
//! A message's body is the envelope. A call is transient, for its caller hears of it if the server restarts;
//! casts and events are persistent. Headers: `skyloom-sent` (when a call was sent, milliseconds since 1970),
//! `skyloom-attempts` (how often it was attempted), `skyloom-losses` (how many of the last of these in a row were
//! lost with their workers), `skyloom-reason` (why the last attempt failed), `skyloom-delay` (milliseconds that it is still to be
//! held back); of a dead letter also `skyloom-number` and `skyloom-died`. `expiration` is a call's budget.
//!
//! To answer, a worker publishes the reply with `mandatory` to the default exchange, with the inbox's queue as the
//! routing key, and then acknowledges the request on the same AMQP channel. To have it tried again it publishes the
//! body to `:again` with `skyloom-attempts` one higher, and acknowledges once that is confirmed. What it takes from a
//! classic queue with the flag `redelivered` it puts back like that before it works on it, because RabbitMQ does
//! not count: attempts are truthful. From a quorum queue it adds `x-delivery-count`.
//!
//! # Options of the URL
//! `amqp://user:password@host[,host]/vhost?...`, or `amqps://`; the vhost `/` is written `%2f` and is the default.
//! `ca` (a file with the authority that has signed the server's certificate), `heartbeat` (seconds, 5), `queue`
//! (`classic` or `quorum`), `inboxes` (`transient`, or `durable` where the server denies transient queues, as RabbitMQ
//! does since 4.3; by the server's version), and those of every adapter: `prefix`, `queue_messages`, `queue_bytes`,
//! `max_message`. Everybody must give the same `queue`, `queue_messages` and `queue_bytes`: RabbitMQ compares.
//!
//! # What is guaranteed, and what is not
//! - Every message is confirmed by the server, without waiting for one before sending the next. A refusal is
//!   [`Full`](skyloom_core::broker::BrokerError::Full). An event that one group is too full for may have reached
//!   others, so its outcome is unknown. With quorum queues, and of an instance, a refusal is believed only after 3 s,
//!   in which the message is sent again: RabbitMQ refuses in the same way while a leader is away, and what reaches the
//!   channel of a process that has just died.
//! - Leases are kept by the worker's side, for RabbitMQ has none: when one ends, the work goes to `:again` and
//!   what the handler says later is stale. A worker's process that is frozen as a whole is noticed by the heartbeat,
//!   after about twice its time, and all of its work is redelivered; until then it waits.
//! - A call that comes back because its worker was lost, and whose time runs out before another takes it, is moved by
//!   RabbitMQ without a word of its delivery: its caller may hear that it was not started.
//! - A message can be delivered twice after a double failure: a connection that breaks just when its copy in
//!   `:again` or `:dead` was confirmed. A handler that is `once` is protected from its first line on: its request
//!   is acknowledged before it runs. If its process then dies, nobody tells the caller before its deadline.
//! - A server that takes no messages (`connection.blocked`: memory or disk) lets senders wait for at most 10 s, over
//!   however many connections. What a connection has sent before it was told so has an unknown outcome. Workers begin
//!   meanwhile, and take what waits; but on a connection on which something is sent, such as a reply, the server hears
//!   nothing more until it takes messages again.
//! - A worker that sends a stream puts a message of no call (kind `EVENT`) into its inbox, `mandatory`, with each extension of
//!   its lease. When it comes back, a minute after the reader has died, the worker ends the stream.
//! - A consumer's lease that lasts beyond the server's `consumer_timeout` (30 minutes) ends then, however often it is
//!   extended.
//! - `depth` knows only the leases of its own connection, and channels have no counts of what passed: RabbitMQ tells
//!   its management only.
//! - With `queue=quorum`, a full queue refuses late and takes more again only when it is well below its limit.
//! - Clocks of hosts must not differ by about a call's budget: by them a worker knows what has come too late, because
//!   it was a moment under way or lay unread while the worker's thread was busy.
//!
//! # What is lost when what dies
//! A worker: nothing; its work is redelivered at once, as the next attempt. A caller: its inbox, a minute later. The
//! server: calls and replies, and every caller is told that the outcome is unknown; nothing of casts, events and
//! dead letters that was accepted. A node of a cluster: with `queue=quorum` nothing; classic queues are away
//! until it is back.
//!
//! # In production
//! A cluster of three with `queue=quorum`; TLS, and a user for each service with the permissions configure, write and
//! read on `^(skyloom[.:].*|amq\.default)$`; `vm_memory_high_watermark` and `disk_free_limit` as RabbitMQ advises,
//! and `consumer_timeout` above the longest handler; from RabbitMQ 4.3 on `consumer_disconnected_timeout` of some
//! seconds: only after that time, which is a minute by default, a quorum queue takes back what a worker held whose
//! connection went to a node that is away. No plugin is needed.

mod options;

mod guarantees;

mod wire;

mod target;

mod tell;

mod pending;

mod operation;

mod role;

mod standing;

mod doubt;

mod state;

mod refusals;

mod publish;

mod operate;

mod consume;

mod arrive;

mod settle;

mod leave;

mod inboxes;

mod look;

mod receive;

mod shared;

mod greeting;

mod tls;

mod dial;

mod driver;

mod admin;

mod broker;

#[cfg(test)]
mod tests;

pub use self::{broker::AmqpBroker, guarantees::guarantees};
