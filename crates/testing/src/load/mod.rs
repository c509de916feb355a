//! Load for tests of faults, whatever the broker, and its accounts: casts that must not be lost, and calls that must end.

mod through;

mod accounts;

mod words;

mod run;

mod unsteady;

mod refusals;

mod unsent;

pub use self::{
    accounts::Accounts,
    refusals::Refusals,
    run::{BURST, Load, work},
    through::{Front, Through},
    unsent::one_way_says_that_it_was_not_sent,
    unsteady::Unsteady,
    words::{SOON, call, cast, echo, number, queue, soon, until, until_answered},
};
