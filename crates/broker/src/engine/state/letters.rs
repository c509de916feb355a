//! A channel's dead letters.

use std::collections::{BTreeMap, BTreeSet};

use super::Time;

/// What is said about a dead letter.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) message: u32,
    pub(crate) reason: Box<str>,
    pub(crate) died: Time,
    /// It was a call, and its caller has been told. Nobody else knows of the others.
    pub(crate) told: bool,
}

/// Dead letters by a number that is unique in the engine's life, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    all: BTreeMap<u64, Dead>,
    /// Those whose callers have been told.
    told: BTreeSet<u64>,
}

impl Letters {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn insert(&mut self, number: u64, dead: Dead) {
        if dead.told {
            self.told.insert(number);
        }
        self.all.insert(number, dead);
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Dead> {
        self.told.remove(&number);
        self.all.remove(&number)
    }

    pub(crate) fn first(&self) -> Option<&Dead> {
        self.all.values().next()
    }

    pub(crate) fn pop_first(&mut self) -> Option<Dead> {
        let (number, dead) = self.all.pop_first()?;
        self.told.remove(&number);
        Some(dead)
    }

    /// Takes out the oldest of those that nobody has to be told of any more.
    pub(crate) fn pop_told(&mut self) -> Option<Dead> {
        let number = self.told.pop_first()?;
        self.all.remove(&number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Dead)> {
        self.all.iter().map(|(number, dead)| (*number, dead))
    }

    /// All of them, which leaves none.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Dead> + use<> {
        std::mem::take(self).all.into_values()
    }
}
