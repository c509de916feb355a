//! How Skyloom's names become NATS's.

use skyloom_core::{Channel, Guid, QueueName, TopicName};

/// Names at one server: every one begins with the prefix of the cluster.
///
/// A name of Skyloom is one token, with `=` for each dot: NATS gives dots a meaning of its own, and forbids
/// them in the names of streams and consumers.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

/// The durable consumer of a queue's stream.
const WORKERS: &str = "workers";

/// What begins the name of every marker.
const MARKER: &str = "marker=";

fn token(name: &str) -> String {
    name.replace('.', "=")
}

/// Where work or events go: a queue, all groups of a topic, or an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Queue(QueueName),
    Topic(TopicName),
    Instance(Guid),
}

impl Target {
    /// Where to put what a channel is to hold.
    pub(super) fn of(channel: &Channel) -> Self {
        match channel {
            Channel::Queue(name) => Self::Queue(name.clone()),
            Channel::Group(topic, _) => Self::Topic(topic.clone()),
            Channel::Instance(guid) => Self::Instance(*guid),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "queue {name}"),
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::Instance(guid) => write!(f, "instance {guid}"),
        }
    }
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The subject to publish to.
    pub(super) fn subject(&self, target: &Target) -> String {
        let prefix = &self.prefix;
        match target {
            Target::Queue(name) => format!("{prefix}.queue.{}", token(name.as_str())),
            Target::Topic(name) => format!("{prefix}.topic.{}", token(name.as_str())),
            Target::Instance(guid) => format!("{prefix}.instance.{guid}"),
        }
    }

    /// The stream that keeps what is published there; none for an instance.
    pub(super) fn stream(&self, target: &Target) -> Option<String> {
        let prefix = &self.prefix;
        match target {
            Target::Queue(name) => Some(format!("{prefix}=queue={}", token(name.as_str()))),
            Target::Topic(name) => Some(format!("{prefix}=topic={}", token(name.as_str()))),
            Target::Instance(_) => None,
        }
    }

    /// What a stream's name says, if it is one of ours.
    pub(super) fn target(&self, stream: &str) -> Option<Target> {
        let (kind, name) = stream.strip_prefix(self.prefix.as_str())?.strip_prefix('=')?.split_once('=')?;
        let name = name.replace('=', ".");
        match kind {
            "queue" => QueueName::new(name).ok().map(Target::Queue),
            "topic" => TopicName::new(name).ok().map(Target::Topic),
            _ => None,
        }
    }

    /// The consumer that the workers of a channel share, which is also their queue group in core NATS.
    pub(super) fn workers(channel: &Channel) -> String {
        match channel {
            Channel::Group(_, group) => format!("group={}", token(group.as_str())),
            _ => WORKERS.to_owned(),
        }
    }

    /// The channel whose workers share this consumer of a target's stream.
    pub(super) fn channel(target: &Target, consumer: &str) -> Option<Channel> {
        match target {
            Target::Queue(name) => (consumer == WORKERS).then(|| Channel::Queue(name.clone())),
            Target::Topic(topic) => {
                let group = consumer.strip_prefix("group=")?.replace('=', ".");
                Some(Channel::Group(topic.clone(), skyloom_core::GroupName::new(group).ok()?))
            }
            Target::Instance(guid) => Some(Channel::Instance(*guid)),
        }
    }

    /// What the name of a marker begins with: the consumer by which one worker is counted.
    pub(super) fn marker(channel: &Channel) -> String {
        format!("{MARKER}{}=", Self::workers(channel))
    }

    /// Whether a consumer is a marker, which is never given anything.
    pub(super) fn is_marker(consumer: &str) -> bool {
        consumer.starts_with(MARKER)
    }

    /// The subjects of markers, on which nothing is ever published.
    pub(super) fn markers(&self, target: &Target) -> String {
        format!("{}.marker.{}", self.prefix, token(&self.subject(target)))
    }

    /// The stream of all dead letters.
    pub(super) fn dead_stream(&self) -> String {
        format!("{}=dead", self.prefix)
    }

    /// The subjects of all dead letters.
    pub(super) fn dead_subjects(&self) -> String {
        format!("{}.dead.>", self.prefix)
    }

    /// The subject of a channel's dead letters.
    pub(super) fn dead(&self, channel: &Channel) -> String {
        let prefix = &self.prefix;
        match channel {
            Channel::Queue(name) => format!("{prefix}.dead.queue.{}", token(name.as_str())),
            Channel::Group(topic, group) => {
                format!("{prefix}.dead.topic.{}.{}", token(topic.as_str()), token(group.as_str()))
            }
            Channel::Instance(guid) => format!("{prefix}.dead.instance.{guid}"),
        }
    }

    /// What begins the subjects of an inbox's replies.
    pub(super) fn inbox(&self, inbox: Guid) -> String {
        format!("{}.inbox.{inbox}", self.prefix)
    }

    /// Where an inbox hears that nobody listens where a call was sent to; it names the call, and the instance that it
    /// was for.
    pub(super) fn unheard(&self, inbox: Guid, target: &Target, call: Guid) -> String {
        let last = match target {
            Target::Instance(instance) => format!("i{call}_{instance}"),
            _ => format!("q{call}"),
        };
        format!("{}.inbox.{inbox}.{last}", self.prefix)
    }

    /// The same for a bundle of calls.
    pub(super) fn unheard_bundle(&self, inbox: Guid, number: u64) -> String {
        format!("{}.inbox.{inbox}.b{number}", self.prefix)
    }

    /// Where replies to an inbox go.
    pub(super) fn replies(&self, inbox: Guid) -> String {
        format!("{}.inbox.{inbox}.r", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_names_its_target() {
        let names = Names::new("skyloom");
        for channel in ["greeter.v1", "a._-", "links.visited/audit.eu"] {
            let channel: Channel = channel.parse().unwrap();
            let target = Target::of(&channel);
            let stream = names.stream(&target).unwrap();
            assert!(!stream.contains('.'), "{stream}");
            assert_eq!(names.target(&stream), Some(target.clone()));
            assert_eq!(Names::channel(&target, &Names::workers(&channel)), Some(channel));
        }
        assert_eq!(names.target("other=queue=x"), None);
        assert_eq!(names.target("skyloom=dead"), None);
        assert_eq!(names.subject(&Target::Queue(QueueName::new("greeter.v1").unwrap())), "skyloom.queue.greeter=v1");
    }
}
