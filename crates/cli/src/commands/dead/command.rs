//! The subcommands.

use skyloom::Channel;

use super::letter::{Line, Whole, table};
use crate::{
    failure::Failure,
    output::{json, list, note, print},
    session::{Global, Session, within},
};

/// How far a letter is looked for by its number.
const SEARCHED: u32 = 10_000;

/// How many letters one kick makes ready; kick again for more.
const KICKED: u32 = 100_000;

/// Look at dead letters, and send them on again or drop them
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// List the dead letters of a channel, or of all
    List {
        /// A queue such as greeter.v1, or a group such as links.visited/audit
        channel: Option<Channel>,
        /// At most so many of each channel
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(SEARCHED)))]
        limit: u32,
    },
    /// Show one with its message
    Show {
        /// A queue or a group
        channel: Channel,
        /// The letter's number in its channel
        number: u64,
    },
    /// Make dead letters ready again, with their attempts reset
    Kick(Which),
    /// Delete dead letters
    Drop(Which),
}

/// One dead letter or all of a channel.
#[derive(Clone, Debug, clap::Args)]
struct Which {
    /// A queue or a group
    channel: Channel,
    /// The letter's number in its channel
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    number: Option<u64>,
    /// All of the channel's letters
    #[arg(long)]
    all: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// If the broker does not answer, or there is no such letter.
pub(crate) async fn dead(args: &DeadArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    match &args.what {
        What::List { channel, limit } => list_letters(channel.as_ref(), *limit, session, global).await,
        What::Show { channel, number } => show(channel, *number, session, global).await,
        What::Kick(which) => {
            let done = within(session.admin()?.kick(&which.channel, which.number, KICKED)).await??;
            report(which, done, "ready again", global)
        }
        What::Drop(which) => {
            let done = within(session.admin()?.drop_dead(&which.channel, which.number)).await??;
            report(which, done, "dropped", global)
        }
    }
}

async fn list_letters(
    channel: Option<&Channel>,
    limit: u32,
    session: &Session,
    global: &Global,
) -> Result<(), Failure> {
    let admin = session.admin()?;
    let channels = match channel {
        Some(channel) => vec![channel.clone()],
        None => {
            let all = within(admin.channels()).await??;
            all.into_iter().filter(|stats| stats.dead > 0).map(|stats| stats.channel).collect()
        }
    };
    let mut lines = Vec::new();
    for channel in &channels {
        let letters = within(admin.dead(channel, limit)).await??;
        lines.extend(letters.iter().map(|letter| Line::new(channel, letter)));
    }
    let place = channel.map(|channel| format!(" in {channel}")).unwrap_or_default();
    list(global.json, &lines, table, &format!("there are no dead letters{place}"))
}

async fn show(channel: &Channel, number: u64, session: &Session, global: &Global) -> Result<(), Failure> {
    let letters = within(session.admin()?.dead(channel, SEARCHED)).await??;
    let letter = letters.iter().find(|letter| letter.number == number).ok_or_else(|| missing(channel, number))?;
    // The contract only helps to read the message; without the registry it is shown as it is.
    let snapshot = session.snapshot().await.unwrap_or_default();
    let whole = Whole::new(channel, letter, &snapshot);
    if global.json { json(&whole) } else { print(&whole.text()) }
}

fn missing(channel: &Channel, number: u64) -> Failure {
    Failure::failed(format!("{channel} has no dead letter {number}; see `sky dead list {channel}`"))
}

fn report(which: &Which, done: u64, what: &str, global: &Global) -> Result<(), Failure> {
    if let (0, Some(number)) = (done, which.number) {
        return Err(missing(&which.channel, number));
    }
    if global.json {
        return json(&serde_json::json!({ "channel": which.channel, "count": done }));
    }
    let letters = if done == 1 { "letter is" } else { "letters are" };
    note(&format!("{done} dead {letters} {what} in {}", which.channel));
    Ok(())
}
