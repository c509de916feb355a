//! A consumer: one connection that takes jobs, and settles them, since beanstalkd lets nobody else do that.
//!
//! A connection that waits in `reserve` reads nothing more until it is answered. So it waits only when there is
//! nothing else to say; and what comes up meanwhile ends the wait by an empty job in a tube that only this
//! connection watches. While there is work, `reserve-with-timeout 0` travels with what is settled.

mod todo;

mod state;

mod consumer;

mod settle;

mod plan;

mod receive;

mod run;

mod start;

pub(super) use self::start::start;
