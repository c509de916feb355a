//! Redis and Valkey: streams with consumer groups.
//!
//! # The URL
//! `redis://`, `rediss://` (TLS), `redis+cluster://`, `rediss+cluster://` with some of the nodes, or
//! `redis+unix:///path`; then `[user:password@]host[:6379][/database]`. Options besides those of every broker
//! ([`QueueLimits`](crate::remote::QueueLimits)): `ca`, the file of the authority that has signed the server's
//! certificate, and `cert` with `key`, this client's own; `bundle`, how many quick calls may share
//! an entry (64; 1 if workers take part that know no `Bundle`).
//!
//! # How it maps
//! Every channel has a base: `<prefix>:{greeter.v1}:queue`, `<prefix>:{links.visited}:group:audit` or
//! `<prefix>:{<guid>}:instance`, and the part in braces puts all of its keys into one slot of a cluster.
//!
//! | key | what |
//! |---|---|
//! | `:work` | the stream, with the group `workers`. Fields of an entry: `e` the envelope, or a `Bundle` of several, `n` of them; `x` when its time runs out, in ms of the server's clock, or `l`, for how many ms after the entry's own time each of a bundle lives (0: for ever), with spaces between them; `a` how often it was attempted before; `k` how many of the last of these in a row were lost with their workers; `r` why that failed; `o` that it was claimed once by a worker who was lost |
//! | `:later` | a sorted set of what is held back, by the time at which it is due |
//! | `:dead` | a stream of dead letters: `e`, `a`, `r`, and `t`, when it died; its number is the letter's |
//! | `:count` | a hash of figures, among them `bytes` of all that is held; `kept` of them are in `:later` and `:dead`; and `more`, the messages beyond the first of each entry of `:work` |
//! | `:workers` | a hash of consumers, each named `<session>:<number>:<lease in ms>` |
//! | `:once` | a hash of the entries that are not to be delivered again; `#` and a number say which of a bundle's |
//! | `:split` | a hash: which messages of an entry are settled while others of it are not |
//! | `<prefix>:{<topic>}:groups` | a hash of the topic's groups, `d` for one that stays and `e` for one that ends with its last consumer |
//! | `<prefix>:{<guid>}:inbox` | an inbox: a stream of replies, each field `m` an envelope or a `Bundle`, which expires a minute after its client was last there |
//! | `<prefix>:channels` | the set of channels that an operator sees |
//!
//! A client makes its inbox, reads it with `XREAD BLOCK` and deletes what it has read. It puts a request on a
//! queue with `XADD <base>:work * e <envelope>`. A worker takes it with `XREADGROUP GROUP workers`, and settles
//! by `XACK`; if that says 1, by `XADD <inbox> NOMKSTREAM * m <envelope>` and `XDEL` too, and by `HINCRBY <base>:count`:
//! `bytes` less those of the envelopes, and of a bundle of `n`, `more` less `n` - 1. Without these two the queue seems
//! fuller than it is until `:work` is empty the next time; then the figures are put right. That is all that a
//! program in another language needs; this adapter does the same in scripts (`lua/`), many messages in one, or in transactions
//! whose script counts what the command before it has added, or takes it back: what is given to a script as an argument is
//! copied by Lua, and each byte of it looked at. Of what was taken back nothing is seen but, before Redis 7.2, a read that ends
//! without an entry.
//!
//! # What is guaranteed
//! - A lease is an entry that is pending. Whoever takes it away puts the message on the queue as a new entry
//!   with its attempts counted, so that a late settle finds nothing and changes nothing.
//! - Reply and settle are one script, or one transaction, on a single server. On a cluster the inbox is in another slot: the reply
//!   goes first, and a worker whose lease has ended by its own clock sends none.
//! - A process that consumes is subscribed to `<prefix>:alive:<session>`. When the subscription is gone for a
//!   second, its work goes to others; one that hangs loses its work when its leases end. A server that has
//!   just come back gives everybody five seconds to come back too.
//! - Quick calls share entries, as a `Bundle`, up to the option `bundle` (64), so many that each worker gets a share of those
//!   that are under way, and as many as end within a few milliseconds. Who consumes is counted once a second; until then,
//!   an entry has at most a quarter of them. Each is a lease of its own all the same: it is settled by itself,
//!   and when the entry is taken away, each that is not settled becomes an entry of its own. Its lease runs out by
//!   itself, too: then its worker says so, for the entry is not idle while others of it are extended. A worker that
//!   has no credit for all of an entry gives the rest back untouched after at most 100 ms; in a queue of unknown
//!   entries it takes them to be full.
//! - An entry that cannot be read becomes a dead letter as it is. Whoever can be made out as the caller of a message in
//!   it hears so at once: an envelope begins with the call and its inbox, and only where just these are garbled
//!   nobody knows whom to tell, and the caller hears at its deadline.
//! - A queue that is full, in messages or in bytes, refuses; nothing is ever trimmed. Dead letters count.
//! - A reply to an inbox that is gone is dropped, and leaves no key behind. Whoever sends a stream hears of it with the
//!   extension of its lease (`EXISTS`), a minute after its reader has died, and ends it.
//! - An answer is waited for four seconds; then the connection is given up. What was under way has an unknown
//!   outcome, except for settlements, which are repeated: they cannot take effect twice. A part of a stream is not: the
//!   stream ends with an unknown outcome.
//! - What is moved by the server itself, such as the work of a lost worker, is moved by 4 MiB at once: nobody else has to
//!   wait for all of it.
//! - A server that cannot write for now (`MISCONF`, `NOREPLICAS`) refuses what is new; settlements are tried again while
//!   their leases last. One that has become read-only, or is busy, is connected to anew, for its name may lead to another.
//!
//! Not claimed: priorities, a message's old place when it comes back, and pausing a channel.
//!
//! # What is lost when which part dies
//! | what | then |
//! |---|---|
//! | a worker | nothing; after a second or two its work is redelivered |
//! | a client | its replies; its requests are done if their time has not run out |
//! | a connection | nothing; an inbox is read on from where it was |
//! | the server, with `appendonly yes` | nothing that it had accepted and written: `appendfsync always` keeps all of it, `everysec` loses up to a second if the machine dies, and nothing if only the process does |
//! | the server, without it | what it held; clients whose inbox was there hear that their calls are of unknown outcome |
//! | a node of a cluster | its slots wait for it or for its replica, and the others go on if `cluster-require-full-coverage` is `no`. A replica is written to later than its master: a failover can lose what was accepted last, a restart with an append-only file cannot |
//!
//! # In production
//! `appendonly yes`; `maxmemory` with `maxmemory-policy noeviction`, so that a full server refuses new work and
//! evicts none (done work still makes room); `cluster-require-full-coverage no`; a user of its own:
//! ```text
//! user skyloom on >password ~skyloom:* &skyloom:* -@all +ping +evalsha +eval +multi +exec +script|load +client|id +client|unblock +info +time +publish +subscribe +unsubscribe +pubsub|numsub +cluster|slots +@stream +@hash +@sortedset +sadd +smembers +set +get +incr +del +exists +pexpire +pttl
//! ```
//! `+eval +multi +exec` are for speed alone: who may make no transaction does everything by scripts.
//!
//! All commands are there since Redis 6.2, and in Valkey; 7.0 is the oldest that is tested. While a slot is being
//! moved to another node, what concerns it waits until the move is over.

mod options;

mod guarantees;

mod names;

mod trouble;

mod scripts;

mod link;

mod op;

mod arguments;

mod transaction;

mod batch;

mod crowds;

mod ways;

mod node;

mod nodes;

mod driver;

mod presence;

mod clock;

mod entry;

mod seat;

mod settle;

mod leases;

mod shared;

mod intake;

mod reader;

mod inbox;

mod probe;

mod open;

mod admin;

mod broker;

mod registry;

#[cfg(test)]
mod tests;

pub use self::{broker::RedisBroker, guarantees::guarantees, registry::RedisLink};
