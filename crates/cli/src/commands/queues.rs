//! `sky queues`: how much work waits, and what became of the rest.

use std::time::Duration;

use skyloom::{Channel, broker::ChannelStats};

use crate::{
    failure::Failure,
    output::{Table, left, list, right},
    session::{Global, Session, within},
    text::span,
};

/// List the queues and groups with what they hold
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct QueuesArgs {
    /// Also the channels by which single instances are reached
    #[arg(long)]
    all: bool,
}

/// Lists the channels.
///
/// # Errors
/// If the broker does not answer or has no operator's view.
pub(crate) async fn queues(args: &QueuesArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let mut rows = within(session.admin()?.channels()).await??;
    rows.retain(|row| args.all || !matches!(row.channel, Channel::Instance(_)));
    rows.sort_by_cached_key(|row| row.channel.to_string());
    list(global.json, &rows, table, "no queues yet; a queue appears with its first message or its first worker")
}

fn table(rows: &[ChannelStats]) -> Table {
    let columns = [
        left("CHANNEL"),
        right("READY"),
        right("DELAYED"),
        right("LEASED"),
        right("DEAD"),
        right("CONSUMERS"),
        right("ENQUEUED"),
        right("SETTLED"),
        right("REDELIVERED"),
        right("EXPIRED"),
        right("OLDEST"),
        left("PAUSED"),
    ];
    Table::new(columns).with(rows, |row| {
        let oldest = row.oldest_ms.filter(|_| row.ready + row.delayed > 0);
        let oldest = oldest.map(|age| span(Duration::from_millis(age))).unwrap_or_default();
        let numbers = [
            Some(row.ready),
            Some(row.delayed),
            row.leased,
            Some(row.dead),
            Some(row.consumers),
            row.enqueued,
            row.settled,
            row.redelivered,
            row.expired,
        ];
        let paused = if row.paused { "yes" } else { "" };
        let mut cells = vec![row.channel.to_string()];
        cells.extend(numbers.map(|number| number.map(|number| number.to_string()).unwrap_or_default()));
        cells.extend([oldest, paused.to_owned()]);
        cells
    })
}
