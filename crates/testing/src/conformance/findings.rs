//! What the rules have shown so far, each of them once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::Shown;

/// What a rule has shown, once it has run.
type Finding = Arc<OnceLock<Option<Shown>>>;

/// What the rules have shown of one broker, by their names. Each has a test of its own, and the test of the page needs
/// them all: whoever comes first runs a rule, and the other waits for it.
#[derive(Debug, Default)]
pub struct Findings(Mutex<BTreeMap<&'static str, Finding>>);

impl Findings {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// What a rule has shown; it runs if it has not yet, or was broken.
    pub fn of(&self, rule: &'static str, run: impl FnOnce() -> Option<Shown>) -> Option<Shown> {
        let finding = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(rule).or_default());
        finding.get_or_init(run).clone()
    }
}
