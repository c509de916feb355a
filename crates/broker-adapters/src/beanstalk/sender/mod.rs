//! The connection that never waits: what is enqueued goes out on it, in as few writes and jobs as possible.

mod room;

mod turn;

mod driver;

pub(super) use self::{
    driver::run,
    turn::{inserted, tell, too_big},
};
