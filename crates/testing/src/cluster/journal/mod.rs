//! Every message that was sent in a cluster, and what became of it.

mod record;
mod book;

pub(super) use self::{
    book::{Journal, MESSAGES, Mark},
    record::{Attempt, End, Record},
};
