//! `sky publish`: an event for everybody who listens.

use skyloom::{Channel, Codec, TopicName, contract::Shape};

use crate::{
    failure::Failure,
    method::{MessageArgs, check_json, event_shapes},
    output::note,
    session::{Session, within},
};

/// Publish an event as JSON; every group that listens to the topic gets it once
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The topic, such as links.visited
    topic: String,
    #[command(flatten)]
    message: MessageArgs,
}

impl PublishArgs {
    /// Reads and checks what needs nobody else.
    ///
    /// # Errors
    /// If the topic's name is malformed, or the message cannot be read or is no JSON.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.topic()?;
        self.message.read_early()?.map_or(Ok(()), check_json)
    }

    fn topic(&self) -> Result<TopicName, Failure> {
        TopicName::new(&self.topic).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Publishes an event; returns when the broker has accepted it.
///
/// # Errors
/// If the topic's name or the JSON is malformed, or the broker refuses.
pub(crate) async fn publish(args: &PublishArgs, session: &Session) -> Result<(), Failure> {
    let topic = args.topic()?;
    let shape = if args.message.has_fields() { shape_of(&topic, session).await? } else { Shape::Any };
    let input = args.message.read(&args.topic, || shape)?;
    check_json(&input)?;
    // A listener may have gone by the time that the event is published.
    let is_unheard = is_unheard(&topic, session).await;
    session.client().publish_encoded(&topic, Codec::Json, input.text.into()).await?;
    if is_unheard {
        note(&format!("nobody listens to {topic}: the event has reached no group; `sky queues` lists those there are"));
    }
    Ok(())
}

/// What those who listen to the topic take its events for; anything if none of them says it.
async fn shape_of(topic: &TopicName, session: &Session) -> Result<Shape, Failure> {
    let snapshot = session.snapshot().await?;
    let mut shapes = event_shapes(&snapshot, topic.as_str());
    Ok(shapes.find(|shape| matches!(shape, Shape::Object { .. })).unwrap_or_default())
}

/// Whether the broker knows that no group has the topic. Only the embedded one knows all of them.
async fn is_unheard(topic: &TopicName, session: &Session) -> bool {
    let broker = &session.connection().broker;
    let is_embedded = broker.capabilities().broker == "local";
    let Some(admin) = broker.admin().filter(|_| is_embedded) else { return false };
    let channels = within(admin.channels()).await;
    let is_heard = |channel: &Channel| matches!(channel, Channel::Group(heard, _) if heard == topic);
    channels.is_ok_and(|channels| channels.is_ok_and(|all| !all.iter().any(|one| is_heard(&one.channel))))
}
