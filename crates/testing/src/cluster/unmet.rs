//! Faults that nothing has met: a test that ends with one has not seen what it is about.

use std::fmt;

use super::{
    fault::Fault,
    plan::Injected,
    shared::{OWN, Shared},
    text::push,
};

/// What is known about how a test has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has come to the end that it was written for.
    Reached,
    /// Its cluster was dropped, at its end or by `?` before that. An error that it returns is not known to anybody yet, and
    /// nobody hears of it if there is a panic now.
    Unknown,
}

impl Shared {
    /// What to say at the end of a test of the faults that no execution has met, if there are any. It is said once. What
    /// may be the reason for it comes first.
    pub(super) fn unmet(&self, ending: Ending) -> Option<String> {
        let unmet = self.plan.take_unmet();
        let Injected { place, .. } = unmet.first()?;
        let last = self.journal.last_of(OWN).filter(|last| ending == Ending::Unknown && last.has_failed());
        let mut text = String::new();
        if let Some(last) = &last {
            let line = self.line(last);
            let reason = format_args!(
                "the last that the test itself has sent did not succeed:\n  {line}\nif the test has ended with that, it is why "
            );
            push(&mut text, reason);
        }
        for injected in &unmet {
            let Injected { place, fault, at } = injected;
            let met = format_args!("no execution of {place} has met {}, injected at {at}; ", Shown(fault));
            push(&mut text, met);
        }
        text.push_str(match (&last, ending) {
            (Some(_), _) => "if not, inject a fault before what it is to disturb, or leave it out; ",
            (None, Ending::Reached) => "inject a fault before what it is to disturb, or leave it out; ",
            (None, Ending::Unknown) => {
                "inject a fault before what it is to disturb, or leave it out; if the test has ended before that by `?`, its \
                 error is lost with this, and `unwrap` in that place tells it; "
            }
        });
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
