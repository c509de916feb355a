//! `sky brokers`: what each adapter guarantees.

use skyloom::broker::{Capabilities, Persistence};

use crate::{
    failure::Failure,
    output::{Table, left, list},
    session::Global,
};

/// What may be guaranteed: the column's title, and whether it is.
type Guarantee = (&'static str, fn(&Capabilities) -> bool);

const COLUMNS: [Guarantee; 11] = [
    ("REDELIVERY", |can| can.redelivery),
    ("AT ONCE", |can| can.prompt_redelivery),
    ("IN PLACE", |can| can.regains_place),
    ("FREE RELEASE", |can| can.uncounted_release),
    ("DEAD LETTERS", |can| can.dead_letters),
    ("BOUNDED", |can| can.bounded),
    ("PRIORITY", |can| can.priority),
    ("DELAY", |can| can.delay),
    ("PAUSE", |can| can.pause),
    ("ATOMIC REPLY", |can| can.atomic_reply),
    ("CONFIRMS", |can| can.confirms),
];

/// Show what each broker guarantees that this program can use
///
/// REDELIVERY: unsettled work comes back; AT ONCE: as soon as its worker is gone, not when its lease ends;
/// IN PLACE: before what was enqueued later; FREE RELEASE: work that is given back untouched is no attempt;
/// BOUNDED: a full queue is an error to the sender; ATOMIC REPLY: a reply and the end of its lease are one
/// operation; CONFIRMS: the sender learns that a message was accepted; KEEPS: what a crash of the broker leaves.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct BrokersArgs {}

/// Lists the brokers.
///
/// # Errors
/// If nobody reads the answer.
pub(crate) fn brokers(_: BrokersArgs, global: &Global) -> Result<(), Failure> {
    list(global.json, &skyloom::guarantees(), table, "there are no brokers")
}

fn table(rows: &[Capabilities]) -> Table {
    let titles = COLUMNS.iter().map(|(title, _)| left(title));
    let columns: Vec<_> = [left("BROKER")].into_iter().chain(titles).chain([left("KEEPS")]).collect();
    Table::new(columns).with(rows, |can| {
        let answers = COLUMNS.iter().map(|(_, has)| if has(can) { "yes".to_owned() } else { String::new() });
        let keeps = match can.persistence {
            Persistence::Memory => "nothing",
            Persistence::Disk => "what is on disk",
        };
        [can.broker.to_owned()].into_iter().chain(answers).chain([keeps.to_owned()]).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `docs/brokers.md` says between its two marks.
    fn documented() -> String {
        let page = include_str!("../../../../docs/brokers.md");
        let (_, rest) = page.split_once("<!-- sky brokers -->\n```\n").expect("the table begins");
        rest.split_once("```\n<!-- end -->").expect("the table ends").0.to_owned()
    }

    #[test]
    fn the_page_shows_what_the_adapters_say() {
        let printed = table(&skyloom::guarantees()).to_string();
        assert_eq!(
            documented(),
            printed,
            "what the conformance suites have shown is on the left: an adapter says else"
        );
    }
}
