//! beanstalkd, by a client of our own: `beanstalk://host[:port]` (11300) or `beanstalk+unix:///path`.
//!
//! # How things are called
//! With the prefix `skyloom`:
//!
//! | what | tube |
//! |---|---|
//! | a queue | `skyloom.greeter.v1` |
//! | a group of a topic's subscribers | `skyloom.links.visited/audit` |
//! | an instance | `skyloom._inst.<guid>` |
//! | an inbox | `skyloom._inbox.<guid>` |
//! | a channel's dead letters | the channel's tube and `+dead` |
//! | that a group outlives its consumers | one job in the group's tube and `+group` |
//! | ends a consumer's wait | `skyloom._wake.<guid>` |
//!
//! # What is in a job
//! An encoded envelope (`skyloom.Envelope`), or several as `message Bundle { repeated Envelope envelope = 16; }`,
//! which can be told by its first byte, 0x82: a worker works on each of them and deletes the job after the last;
//! a client takes each reply of a bundle. Headers that begin with `skyloom-` are the broker's and are taken out
//! before delivery: `skyloom-sent` (when the envelope was sent, in milliseconds since the Unix epoch, from which a
//! worker reckons what is left of the budget), `skyloom-attempts` (attempts that were made while it was another
//! job) and `skyloom-losses` (how many of the last of these in a row were lost with their workers), and on dead
//! letters `skyloom-reason` and `skyloom-died`. In an inbox, a final reply with the header `skyloom-refused` tells that
//! the call expired, is a dead letter, or has an unknown outcome.
//!
//! A worker in another language: watch the queue's tube; reserve; for each envelope, do the work, `use` the tube of
//! the inbox `reply_to` and put the reply; then delete. A client: watch a tube `skyloom._inbox.<guid>`, put the
//! request, reserve, delete. The priority is 1024 unless somebody chose another.
//!
//! # What is guaranteed
//! - *Leases.* A job can only be settled on the connection that reserved it, so each consumer has its own; when it
//!   breaks, what it held is ready again at once. The time to run is the sender's (`ttr`); within it, the worker's
//!   own clock keeps its lease: it begins the job's time anew for as long as the lease lasts, and gives the job
//!   back when the lease ends first. So a handler that hangs loses its work when its lease ends, and a process
//!   that hangs when `ttr` has passed. Settling later is refused and says nothing to the server.
//! - *Attempts* are the server's own count of reservations, less those that were given back untouched (which is
//!   done by `bury` and `kick-job`, so that it can be told apart), and survive everything.
//! - *Replies* go before the request is deleted, on the same connection. A worker that dies between the two leaves a
//!   request that was answered and is executed again. That holds for a whole bundle: its job is deleted after its
//!   last member was settled, and until then a crash repeats all of them, except for those that were claimed
//!   ([`Delivery::once`](skyloom_core::broker::Delivery::once)), which leave the bundle first.
//! - *Bundles* are made of calls only, and only while calls end quickly: as many as end within five milliseconds, and
//!   at most a quarter of those that the client has under way. Where calls take long, each is a job of its own. A
//!   bundle goes to one worker; `bundle=1` gives every call to whoever is free.
//! - *Bounds.* beanstalkd has none. A sender has the server count each queue that it puts to once a second, and
//!   again when it is full by its own reckoning, and refuses what is above `queue_messages` jobs. So one sender keeps
//!   the bound exactly, several approximately, and [`bounded`](skyloom_core::broker::Capabilities::bounded) is false.
//! - *Times* are whole seconds, rounded up: delays, pauses, `ttr`.
//! - *Events* are put to each group that the server's list of tubes shows, which is asked for once for all that wait.
//!   If a connection breaks in between, some groups may have got an event whose publishing is reported as lost.
//! - *Streams* end when nobody watches their inbox: with each extension of a stream's lease its worker asks (`stats-tube`), and
//!   takes the reader to be gone if nobody does for five seconds.
//! - *Nothing stays for ever.* Every process looks for inboxes, instances and ephemeral groups that nobody watches
//!   in two rounds (`sweep`), and empties them. A client whose connection breaks for less keeps its replies.
//!
//! # What is lost when
//! - *A worker dies*: nothing; attempt 2 is elsewhere at once.
//! - *A client dies*: its replies.
//! - *The server is killed*: without `-b` everything, and callers are told; with `-b DIR -f 0` nothing that was
//!   confirmed. With the default `-f 50`, up to 50 ms.
//!
//! # The server in production
//! `beanstalkd -l ADDRESS -b /var/lib/beanstalkd -f 0 -z 8388736`. `-z` is the largest job, 65535 bytes by default;
//! what is larger is refused with a sentence that names it. There is neither TLS nor a password: listen on loopback, a
//! Unix socket or a private network. A step of the server's clock moves its times to run.
//!
//! # Options
//! `prefix`, `queue_messages` and `max_message` as for every adapter; `ttr` (30s; at least 3s); `bundle`, the most
//! calls that share a job (64; 1: none do, nor do replies); `sweep` (10s).

mod codec;

mod names;

mod job;

mod options;

mod pipe;

mod burst;

mod guarantees;

mod op;

mod shared;

mod sender;

mod errand;

mod janitor;

mod inbox;

mod events;

mod lane;

mod admin;

mod broker;

pub use self::{broker::BeanstalkBroker, guarantees::guarantees};
