//! `sky cast`: one-way work.

use std::time::Duration;

use super::sending::SendingArgs;
use crate::{failure::Failure, session::Session, text::parse_delay};

/// Put work on a service's queue and do not wait for it to be done
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CastArgs {
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
    /// Hold it back for so long, such as 5s
    #[arg(long, value_name = "TIME", value_parser = parse_delay, allow_hyphen_values = true)]
    delay: Option<Duration>,
}

/// Sends a cast; returns when the broker has accepted it.
///
/// # Errors
/// If there is no such method, or the broker refuses.
pub(crate) async fn cast(args: &CastArgs, session: &Session) -> Result<(), Failure> {
    let mut prepared = args.sending.prepare(session).await?;
    prepared.request.enqueue.delay = args.delay.unwrap_or_default();
    prepared.note_if_idle();
    session.client().cast(prepared.request).await?;
    Ok(())
}
