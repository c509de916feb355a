//! `sky listen`: events as they come.

use skyloom::{
    Channel, Codec, Connection, Envelope, GroupName, Guid, TopicName,
    broker::{ConsumeOptions, Consumer, Settlement},
    registry::Watch,
    signals::Termination,
    transcode::MethodTranscoder,
};

use crate::{
    failure::Failure,
    method::{event_readers, one_line},
    output::{note, print},
    session::{Session, within},
    text::why,
};

/// Show the events of a topic as they come, until Ctrl-C or SIGTERM
///
/// It listens as a group of its own, so that nobody else's events are missing. An event in protobuf is shown as JSON if
/// the contract of a service that listens to the topic describes it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ListenArgs {
    /// The topic, such as links.visited
    topic: String,
    /// End after so many
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

impl ListenArgs {
    /// The topic.
    ///
    /// # Errors
    /// If its name is malformed.
    pub(crate) fn topic(&self) -> Result<TopicName, Failure> {
        TopicName::new(&self.topic).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Shows events.
///
/// # Errors
/// If the topic's name is malformed, or the broker refuses.
pub(crate) async fn listen(args: &ListenArgs, session: &Session) -> Result<(), Failure> {
    // Also of SIGTERM, so that nothing of the group is left at the broker.
    let mut termination =
        Termination::new().map_err(|error| Failure::failed(format!("cannot listen to signals: {}", why(&error))))?;
    let mut ear = Ear::open(args, session).await?;
    note(&format!("listening to {}", ear.topic()));
    loop {
        let event = tokio::select! {
            event = ear.next() => event,
            () = termination.wished() => return Ok(()),
        };
        match event {
            Some(event) => print(&format!("{event}\n"))?,
            None => return ear.ended(),
        }
    }
}

/// Hears the events of one topic.
#[derive(Debug)]
pub(crate) struct Ear {
    topic: TopicName,
    consumer: Consumer,
    left: Option<u64>,
    readers: Readers,
}

impl Ear {
    /// Begins to listen; what is published from now on is heard.
    ///
    /// # Errors
    /// If the topic's name is malformed, or the broker refuses.
    pub(crate) async fn open(args: &ListenArgs, session: &Session) -> Result<Self, Failure> {
        let topic = args.topic()?;
        let group = GroupName::new(format!("sky.{}", Guid::private()));
        let group = group.map_err(|error| Failure::failed(error.to_string()))?;
        let options = ConsumeOptions { ephemeral: true, ..ConsumeOptions::default() };
        let broker = &session.connection().broker;
        let consumer = within(broker.consume(Channel::Group(topic.clone(), group), options)).await??;
        Ok(Self { topic, consumer, left: args.count, readers: Readers::Unasked(session.connection().clone()) })
    }

    /// Its topic.
    pub(crate) fn topic(&self) -> &str {
        self.topic.as_str()
    }

    /// The next event's message, in one line; none after as many as were wished, or if the broker has gone away.
    pub(crate) async fn next(&mut self) -> Option<String> {
        if self.left == Some(0) {
            return None;
        }
        let delivery = self.consumer.next().await?;
        self.left = self.left.map(|left| left - 1);
        let envelope = delivery.envelope();
        let json = match envelope.codec {
            Codec::Json => String::from_utf8(envelope.payload.to_vec()).ok(),
            Codec::Protobuf => self.readers.json(&self.topic, envelope).await,
        };
        let text =
            json.map_or_else(|| format!("<{} bytes that are no JSON>", envelope.payload.len()), |text| one_line(&text));
        // A broker that has gone away will not send it again to us: the group is ours alone.
        drop(delivery.settle(Settlement::Done).await);
        Some(text)
    }

    /// What its end means.
    ///
    /// # Errors
    /// If there were to be more events.
    pub(crate) fn ended(&self) -> Result<(), Failure> {
        match self.left {
            Some(0) => Ok(()),
            _ => Err(Failure::failed(format!("the broker sends no more events of {}", self.topic))),
        }
    }
}

/// How those who listen to the topic read its events. The registry is asked when the first event comes that is not JSON by
/// itself.
#[derive(Debug)]
enum Readers {
    Unasked(Connection),
    Known(Watch, Vec<MethodTranscoder>),
    /// There is no registry, or it does not answer.
    Unknown,
}

impl Readers {
    /// The JSON of an event, if a contract describes it.
    async fn json(&mut self, topic: &TopicName, envelope: &Envelope) -> Option<String> {
        if let Self::Unasked(connection) = self {
            let watch = within(connection.registry.watch()).await;
            *self = match watch {
                Ok(Ok(mut watch)) => {
                    watch.mark_changed();
                    Self::Known(watch, Vec::new())
                }
                _ => Self::Unknown,
            };
        }
        let Self::Known(watch, readers) = self else { return None };
        if watch.has_changed().is_ok_and(|changed| changed) {
            *readers = event_readers(&watch.borrow_and_update(), topic.as_str()).collect();
        }
        let json = readers.iter().find_map(|reader| reader.decode_request(envelope.codec, &envelope.payload).ok());
        json.and_then(|json| String::from_utf8(json.to_vec()).ok())
    }
}
