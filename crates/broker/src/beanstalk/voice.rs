//! How a client of beanstalkd is told of things.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::BytesMut;

use super::{envelope, figures::Figures, reply};
use crate::{
    door::{Encoded, Voice},
    engine::{Conn, Input, JobAnswer, Output},
};

/// What a connection's task shares with its voice.
#[derive(Debug, Default)]
pub(super) struct Ear {
    /// A `reserve` is not answered yet.
    pub(super) waiting: AtomicBool,
    /// The connection has taken a job or wanted to.
    pub(super) works: AtomicBool,
}

/// Turns the engine's outputs into replies.
#[derive(Debug)]
pub(super) struct Replies {
    pub(super) conn: Conn,
    pub(super) figures: Arc<Figures>,
    pub(super) ear: Arc<Ear>,
}

impl Replies {
    pub(super) fn works(figures: &Figures, ear: &Ear) {
        if !ear.works.swap(true, Relaxed) {
            figures.workers.fetch_add(1, Relaxed);
        }
    }
}

impl Voice for Replies {
    fn say(&mut self, output: Output<Encoded>, out: &mut BytesMut) -> Option<Input<Encoded>> {
        let command = match output {
            Output::Job { answer, .. } => {
                match answer {
                    JobAnswer::Reserved(..) => {
                        Self::works(&self.figures, &self.ear);
                        self.ear.waiting.store(false, Relaxed);
                    }
                    JobAnswer::TimedOut | JobAnswer::DeadlineSoon => self.ear.waiting.store(false, Relaxed),
                    _ => {}
                }
                reply::write(answer, &self.figures, out);
                return None;
            }
            Output::Reply { inbox, body, .. } => envelope::deposit(inbox, body),
            Output::Refused { inbox, call, error, .. } => envelope::deposit(inbox, envelope::refusal(call, error)),
            _ => return None,
        };
        Some(Input::Job { conn: self.conn, command })
    }
}
