//! [`AmqpOptions`]: what a URL says.

use std::path::PathBuf;

use crate::remote::{BrokerUrl, QueueLimits, UrlError};

/// Whether queues are replicated over a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueKind {
    /// Each on one node.
    Classic,
    /// Each on a majority of several nodes, and counted by the server.
    Quorum,
}

/// What becomes of inboxes when their server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InboxKind {
    /// They go with it.
    Transient,
    /// They stay, for servers that deny queues that go; what was in them is gone all the same.
    Durable,
}

impl InboxKind {
    /// The kind that a server permits that calls itself this: RabbitMQ denies transient queues since 4.3.
    pub(super) fn permitted_by(server: &str) -> Self {
        let version = server.strip_prefix("RabbitMQ ").unwrap_or_default();
        let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
        let denies = (numbers.next(), numbers.next()) >= (Some(4), Some(3));
        if denies { Self::Durable } else { Self::Transient }
    }
}

/// What a URL says.
#[derive(Clone)]
pub(super) struct AmqpOptions {
    pub(super) hosts: Vec<String>,
    pub(super) tls: bool,
    pub(super) authority: Option<PathBuf>,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) vhost: String,
    pub(super) heartbeat: u16,
    pub(super) queues: QueueKind,
    /// `None` for what the server permits.
    pub(super) inboxes: Option<InboxKind>,
    pub(super) limits: QueueLimits,
}

/// Seconds after which each side wants to have heard something of the other. RabbitMQ advises against less.
const HEARTBEAT: u16 = 5;

impl AmqpOptions {
    pub(super) fn of(url: &BrokerUrl) -> Result<Self, UrlError> {
        let own = ["ca", "heartbeat", "inboxes", "queue"];
        let known: Vec<&str> = own.into_iter().chain(QueueLimits::OPTIONS).collect();
        url.check_options(&known)?;
        let tls = match url.scheme() {
            "amqp" => false,
            "amqps" => true,
            other => return Err(UrlError::Unfit(format!("{other}:// is not RabbitMQ's; write amqp:// or amqps://"))),
        };
        let authority = url.file("ca");
        if authority.is_some() && !tls {
            return Err(UrlError::Unfit("option ca is for TLS; write amqps://".to_owned()));
        }
        let heartbeat = match url.count("heartbeat")? {
            None => HEARTBEAT,
            Some(seconds) => u16::try_from(seconds).unwrap_or(u16::MAX),
        };
        let hosts = url.hosts_with_port(if tls { 5671 } else { 5672 });
        if hosts.is_empty() {
            return Err(UrlError::Form("the host is missing"));
        }
        Ok(Self {
            hosts,
            tls,
            authority,
            user: url.user().unwrap_or("guest").to_owned(),
            password: url.password().unwrap_or("guest").to_owned(),
            vhost: url.path().filter(|path| !path.is_empty()).unwrap_or("/").to_owned(),
            heartbeat,
            queues: match url.word("queue", &["classic", "quorum"])? {
                "quorum" => QueueKind::Quorum,
                _ => QueueKind::Classic,
            },
            inboxes: match url.word("inboxes", &["", "transient", "durable"])? {
                "transient" => Some(InboxKind::Transient),
                "durable" => Some(InboxKind::Durable),
                _ => None,
            },
            limits: QueueLimits::of(url)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_which_inboxes_it_permits() {
        for server in ["RabbitMQ 3.10.8", "RabbitMQ 4.2.9", "LavinMQ 4.3.0", "RabbitMQ", ""] {
            assert_eq!(InboxKind::permitted_by(server), InboxKind::Transient, "{server}");
        }
        for server in ["RabbitMQ 4.3.0-rc.1", "RabbitMQ 4.12.1", "RabbitMQ 5.0.0"] {
            assert_eq!(InboxKind::permitted_by(server), InboxKind::Durable, "{server}");
        }
    }

    #[test]
    fn a_url_says_it_all() {
        let of = |text: &str| AmqpOptions::of(&text.parse().unwrap());
        let plain = of("amqp://h").unwrap();
        assert_eq!((plain.hosts[0].as_str(), plain.vhost.as_str(), plain.user.as_str()), ("h:5672", "/", "guest"));
        let full = of("amqps://ada:x@h/%2fwork?queue=quorum&heartbeat=9&ca=/ca.pem").unwrap();
        assert_eq!((full.hosts[0].as_str(), full.vhost.as_str(), full.heartbeat), ("h:5671", "/work", 9));
        assert_eq!((full.queues, full.tls), (QueueKind::Quorum, true));
        let error = |text| of(text).err().unwrap().to_string();
        assert!(error("amqp://h?heartbaet=1").contains("did you mean \"heartbeat\""));
        assert_eq!(plain.inboxes, None);
        assert_eq!(of("amqp://h?inboxes=durable").unwrap().inboxes, Some(InboxKind::Durable));
        assert!(error("amqp://h?inboxes=eternal").contains("transient, durable"));
        assert!(error("amqp://h?ca=/x").contains("amqps://"));
        assert!(error("http://h").contains("amqp://"));
    }
}
