//! `sky publish`: an event for everybody who listens.

use skyloom::{Codec, TopicName};

use crate::{
    failure::Failure,
    method::{MessageArgs, check_json},
    session::Session,
};

/// Publish an event as JSON; every group that listens to the topic gets it once
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The topic, such as links.visited
    topic: String,
    #[command(flatten)]
    message: MessageArgs,
}

/// Publishes an event; returns when the broker has accepted it.
///
/// # Errors
/// If the topic's name or the JSON is malformed, or the broker refuses.
pub(crate) async fn publish(args: &PublishArgs, session: &Session) -> Result<(), Failure> {
    let topic = TopicName::new(&args.topic).map_err(|error| Failure::usage(error.to_string()))?;
    let input = args.message.read()?;
    check_json(&input)?;
    session.client().publish_encoded(&topic, Codec::Json, input.text.into()).await?;
    Ok(())
}
