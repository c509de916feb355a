//! Faults that nothing has met: a test that ends with one has not seen what it is about.

use std::fmt;

use super::{fault::Fault, plan::Injected, shared::Shared, text::push};

impl Shared {
    /// What to say at the end of a test of the faults that no execution has met, if there are any. It is said once.
    pub(super) fn unmet(&self) -> Option<String> {
        let unmet = self.plan.take_unmet();
        let Injected { place, .. } = unmet.first()?;
        let mut text = String::new();
        for injected in &unmet {
            let Injected { place, fault, at } = injected;
            let met = format_args!("no execution of {place} has met {}, injected at {at}; ", Shown(fault));
            push(&mut text, met);
        }
        text.push_str("inject a fault before what it is to disturb, or leave it out; ");
        text.push_str(&self.story(place));
        Some(text)
    }
}

/// A fault as it is written in a test.
struct Shown<'a>(&'a Fault);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            // A status says more to people than its fields do.
            Fault::Error(status) => write!(f, "Fault::Error({status})"),
            other => write!(f, "Fault::{other:?}"),
        }
    }
}
