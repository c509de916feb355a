//! NATS: JetStream, or with `?mode=core` the queue groups of core NATS.
//!
//! The ecosystem's client owns the socket, writes all that waits at once and connects anew. On top of it is one
//! `link` for each connection: what is to be sent, what is not confirmed, who listens. Publications are not
//! requests: each names a subject of the connection's own as its reply, and one subscription reads all
//! confirmations. Work is pulled for as much as there is credit, and the next request goes out when a quarter of
//! it is free again; an acknowledgement is written together with the reply that it follows. While a worker has more
//! to do, its replies to one inbox are gathered for the rest of the turn of its event loop, and go out as one message,
//! a `Bundle`; with `mode=core`, quick calls do so too.
//!
//! # URL
//! `nats://[user:password@|token@]host[:4222][,host...][?options]`, or `tls://`. The hosts are those of one cluster.
//!
//! | option | what | if it is not set |
//! |---|---|---|
//! | `mode` | `jetstream` or `core` | `jetstream` |
//! | `bundle` | how many quick calls may share a message with `mode=core`; 1 if workers take part that know no `Bundle` | 64 |
//! | `storage` | `file` or `memory`, of the streams that are made | `file` |
//! | `replicas` | of the streams that are made, at most the nodes of the cluster | 1 |
//! | `ack_wait` | the longest time after which the work of a dead worker goes to another | `5s` |
//! | `prefix`, `queue_messages`, `queue_bytes`, `max_message` | as with every broker | `skyloom`, 1,000,000, 1 GiB or what the server has, 8 MiB or the server's `max_payload` |
//! | `tls`, `ca`, `cert`, `key` | TLS, the authority's file, a client's certificate and its key | the system's authorities |
//! | `creds`, `nkey` | a credentials file, or a file with the seed of an nkey | |
//!
//! # How names map
//! A name of Skyloom is one token of a subject, with `=` for each dot: `greeter.v1` is `greeter=v1`.
//!
//! | what | at the server |
//! |---|---|
//! | queue | stream `skyloom=queue=greeter=v1` (work queue, refuses when full), subject `skyloom.queue.greeter=v1`, durable pull consumer `workers` |
//! | topic | stream `skyloom=topic=links=visited` (interest), subject `skyloom.topic.links=visited` |
//! | group of a topic | durable pull consumer `group=audit` |
//! | inbox | core NATS, subject `skyloom.inbox.<guid>.r`, nothing is kept |
//! | instance | core NATS, subject `skyloom.instance.<guid>`, queue group `workers` |
//! | dead letters | stream `skyloom=dead`, subjects `skyloom.dead.queue.greeter=v1` and `skyloom.dead.topic.<topic>.<group>`, headers `skyloom-reason` and `skyloom-attempts`, and `Nats-Msg-Id`, so that one that is written again is one |
//! | a worker, to be counted | ephemeral consumer `marker=workers=<guid>`, to which nothing is ever delivered |
//!
//! A message's body is the encoded envelope. A worker in any language pulls from the consumer, drops what is older
//! than its budget by the time in the subject of its acknowledgement and tells the caller so, publishes its reply
//! to the inbox that `reply_to` names, and then acknowledges. An event with the header `skyloom-group` is one that
//! this group had already, as a dead letter or because a worker gave it back; the others acknowledge and ignore it.
//! With `mode=core`, and for instances, a request's own reply subject is only for who cannot take it: `-` and a
//! reason, or `+` once one-way work is taken.
//!
//! The server counts deliveries, and does not say which of them were attempts. So work that is given back untouched, or that
//! fails after a worker was lost with it, is written anew with what is left of its budget, and the message acknowledged once
//! that is confirmed. The copy's headers are `skyloom-attempts`, how often it was attempted before; `skyloom-losses`, how
//! many of the last of these in a row were lost with their workers; and for a retry's delay `skyloom-delay`, in
//! milliseconds: who is given it for the first time gives it back to the server for what is left of that (`-NAK`), and this
//! is no attempt. Each is 0 if it is not there. A copy of one message is one (`Nats-Msg-Id`).
//!
//! # Guarantees
//! With JetStream: at least once, attempts as the server counts them (2.9.10 delivers what comes back after its only
//! worker has stopped as a first attempt again), dead letters of our own. Work that is given
//! back untouched is no attempt, unless its stream is full; what comes back need not regain its place. There are no
//! priorities, no delayed messages and no pause; a retry's delay is the server's. A full topic refuses as a whole, and it is full
//! when its slowest group has left so much behind. A worker that lives says every third of `ack_wait` that it has
//! its work still, so that leases may be longer, and a dead one loses its work soon. An expired call is dropped by
//! the worker that would take it, so that one that nobody would take stays until there is a worker. Nobody confirms a part
//! of a stream: if the worker's connection breaks within five seconds after one was sent, the stream ends with an unknown
//! outcome, so that none has a gap that nobody sees. With each extension of a stream's lease its worker sends a request of no
//! call (kind `EVENT`) to the inbox, whose answer is that nobody listens (503), or none. When nobody does for five seconds,
//! the reader is taken to be gone, and the worker ends the stream.
//!
//! With `mode=core`: at most once. Nothing waits at the broker, who calls a queue that nobody serves is told so at
//! once, and so is who casts; one-way work is accepted when a worker has taken it. Work that failed cannot be tried
//! again, events pass groups that are not there, and there are no dead letters and no depth.
//!
//! # What is lost when what dies
//! | what dies | what is lost |
//! |---|---|
//! | a worker | nothing; its work goes to another after `ack_wait`. One that hangs is sent more for up to three seconds. In `mode=core` its calls, whose callers hear it at their deadline |
//! | a client | the replies to it |
//! | a server, `storage=file` | nothing that was accepted, unless the machine loses power: the server syncs every two minutes |
//! | a server, `storage=memory` | what it held, unless there are replicas |
//! | one of three, `replicas=3` | nothing that was accepted; new queues cannot be made until it is back |
//! | the connection | nothing; what was sent and not confirmed has an unknown outcome |
//!
//! # For production
//! `nats-server` 2.9.10 or later with `jetstream { store_dir: ... }`, three nodes and `?replicas=3`, TLS, and a user
//! for the cluster with the permissions `skyloom.>`, `_INBOX.>`, `$JS.API.>`, `$JS.ACK.>` and, for the registry,
//! `$KV.skyloom-instances.>` and `$KV.skyloom-contracts.>` to publish, and `skyloom.inbox.>`, `skyloom.queue.>`,
//! `skyloom.topic.>`, `skyloom.instance.>`, `_INBOX.>` to subscribe. Set `max_payload` to what `max_message` is to
//! be and 4 KiB more. Whoever makes a stream decides its limits; change them with `nats stream edit`.

mod options;

mod guarantees;

mod names;

mod time;

mod api;

mod outbox;

mod gather;

mod link;

mod ask;

mod consumers;

mod streams;

mod send;

mod together;

mod keeper;

mod handle;

mod inbox;

mod delays;

mod connect;

mod open;

mod dead;

mod work;

mod again;

mod receive;

mod leases;

mod leftovers;

mod session;

mod depth;

mod admin;

mod broker;

mod roster;

mod registry;

pub use self::{broker::NatsBroker, guarantees::guarantees, registry::NatsLink};
