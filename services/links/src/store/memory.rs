//! Links in this instance's memory.

use std::{
    collections::{HashMap, hash_map},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Entry, StoreError};

/// How many links are kept: some 200 MB of the longest.
const MAX_LINKS: usize = 100_000;

/// Links by code.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, Entry>>);

impl Memory {
    fn table(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a link, unless its code is taken.
    pub(super) fn insert(&self, code: &str, url: &str) -> Result<bool, StoreError> {
        let mut table = self.table();
        let count = table.len();
        match table.entry(code.to_owned()) {
            hash_map::Entry::Occupied(_) => Ok(false),
            hash_map::Entry::Vacant(_) if count >= MAX_LINKS => Err(StoreError::Full(count)),
            hash_map::Entry::Vacant(place) => {
                place.insert(Entry { url: url.to_owned(), visits: 0 });
                Ok(true)
            }
        }
    }

    pub(super) fn find(&self, code: &str) -> Option<Entry> {
        self.table().get(code).cloned()
    }

    /// Counts a visit and tells where the link leads.
    pub(super) fn visit(&self, code: &str) -> Option<String> {
        self.table().get_mut(code).map(|entry| {
            entry.visits += 1;
            entry.url.clone()
        })
    }
}
