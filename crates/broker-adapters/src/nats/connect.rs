//! Makes the first connection, and says in a sentence why there is none.

use std::{
    error::Error as _,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use async_nats::{ConnectError, ConnectErrorKind, ConnectOptions, Event};
use tokio::{
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, timeout},
};

use super::{
    api::Meaning,
    ask::AskError,
    delays::Delays,
    link::{Link, UNWRITTEN},
    options::{Login, NatsOptions},
};
use crate::remote::{BrokerUrl, OpenError, Pauses, check_certificates, stranger};

/// NATS's port.
const PORT: u16 = 4222;

/// How long a server may take to greet and to accept us.
const GREETING: Duration = Duration::from_secs(3);

/// How long a server may be silent before it is asked whether it is there; silent three times as long, it is
/// taken for dead.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many messages may wait for the reader of one subscription.
const UNREAD: usize = 1 << 20;

/// A client that is connected, and what happens to its connection.
pub(super) struct Connected {
    pub(super) client: async_nats::Client,
    pub(super) events: UnboundedReceiver<Event>,
    /// Set once nobody needs the connection any more: the client would try to make one for ever.
    pub(super) is_over: Arc<AtomicBool>,
}

/// Connects, for as long as `patience` lasts if nobody is there.
pub(super) async fn connect(
    url: &BrokerUrl,
    options: &NatsOptions,
    patience: Duration,
) -> Result<Connected, OpenError> {
    let began = Instant::now();
    let mut pauses = Pauses::default();
    let hosts = url.hosts_with_port(PORT);
    let scheme = if options.tls { "tls" } else { "nats" };
    let addresses: Vec<String> = hosts.iter().map(|host| format!("{scheme}://{host}")).collect();
    loop {
        let (tell, events) = unbounded_channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let delays = Delays::until(Arc::clone(&is_over));
        let config = config(options).await.map_err(|reason| unusable(url, reason))?;
        let config =
            config.reconnect_delay_callback(move |attempt| delays.before(attempt)).event_callback(move |event| {
                // Whoever listened is gone with the connection.
                drop(tell.send(event));
                std::future::ready(())
            });
        let error = match config.connect(addresses.clone()).await {
            Ok(client) => return Ok(Connected { client, events, is_over }),
            Err(error) => error,
        };
        if let Some(reason) = why_unusable(&hosts, options, &error).await {
            return Err(unusable(url, reason));
        }
        let pause = pauses.next();
        if began.elapsed() + pause >= patience {
            return Err(absent(url, why_absent(&hosts, &error).await));
        }
        tokio::time::sleep(pause).await;
    }
}

pub(super) fn unusable(url: &BrokerUrl, reason: String) -> OpenError {
    OpenError::Unusable { address: url.to_string(), reason }
}

fn absent(url: &BrokerUrl, reason: String) -> OpenError {
    OpenError::Absent { address: url.to_string(), reason }
}

async fn config(options: &NatsOptions) -> Result<ConnectOptions, String> {
    let read = |file: &std::path::Path| {
        std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
    };
    let mut config = ConnectOptions::new()
        .name("skyloom")
        .ping_interval(HEARTBEAT)
        .connection_timeout(GREETING)
        .client_capacity(UNWRITTEN)
        .subscription_capacity(UNREAD)
        .skip_subject_validation(true)
        .require_tls(options.tls);
    config = match &options.login {
        Login::Nobody => config,
        Login::Token(token) => config.token(token.clone()),
        Login::User(user, password) => config.user_and_password(user.clone(), password.clone()),
        Login::Nkey(file) => config.nkey(read(file)?.trim().to_owned()),
        Login::Credentials(file) => config
            .credentials(&read(file)?)
            .map_err(|error| format!("{} is no credentials file: {error}", file.display()))?,
    };
    if let Some(ca) = &options.ca {
        check_certificates(ca, read(ca)?.as_bytes())?;
        config = config.add_root_certificates(ca.clone());
    }
    if let Some((cert, key)) = &options.identity {
        check_certificates(cert, read(cert)?.as_bytes())?;
        read(key)?;
        config = config.add_client_certificate(cert.clone(), key.clone());
    }
    Ok(config)
}

fn causes(error: &ConnectError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

/// Why waiting does not help, if it does not.
async fn why_unusable(hosts: &[String], options: &NatsOptions, error: &ConnectError) -> Option<String> {
    let said = causes(error);
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            return Some(match options.login {
                Login::Nobody => "it wants to know who we are: write user:password@ or token@ before the host, \
                                  or name a file by ?creds= or ?nkey="
                    .to_owned(),
                _ => "it does not accept these credentials (wrong user, password, token or key)".to_owned(),
            });
        }
        ConnectErrorKind::ServerParse => return Some(said),
        _ => {}
    }
    for host in hosts {
        let words = stranger::first_words(host.as_str()).await;
        if words.starts_with(b"INFO ") {
            return tls_trouble(&String::from_utf8_lossy(&words), options, &said);
        }
        if let Some(kind) = stranger::kind(&words) {
            return Some(format!("{host} does not speak NATS: it is {kind}; check host and port"));
        }
        if !words.is_empty() {
            let text = String::from_utf8_lossy(&words);
            let line: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
            return Some(format!("{host} does not speak NATS: it says {line:?}"));
        }
    }
    None
}

/// Why nobody answered, which may change.
async fn why_absent(hosts: &[String], error: &ConnectError) -> String {
    if error.kind() == ConnectErrorKind::TimedOut {
        for host in hosts {
            // Who does not even accept connections may be on a network that is away for now.
            if matches!(timeout(GREETING, TcpStream::connect(host)).await, Ok(Ok(_))) {
                return format!("{host} accepts connections and says nothing: it hangs, or is no NATS server");
            }
        }
    }
    causes(error)
}

fn tls_trouble(info: &str, options: &NatsOptions, said: &str) -> Option<String> {
    let has = |word: &str| info.contains(&format!("\"{word}\":true"));
    let offers_tls = has("tls_required") || has("tls_available");
    if options.tls && !offers_tls {
        return Some("it offers no TLS; write nats:// instead of tls://".to_owned());
    }
    if said.contains("certificate") || said.contains("Certificate") {
        let advice = if has("tls_verify") { " by ?ca=, and our certificate by ?cert= and ?key=" } else { " by ?ca=" };
        return Some(format!(
            "its TLS certificate, or ours, is not accepted ({said}); name the authority's file{advice}"
        ));
    }
    (has("tls_required") && said.to_lowercase().contains("tls")).then(|| format!("TLS fails: {said}"))
}

/// Asks whether JetStream is there and we may use it; `without` says what does without it.
pub(super) async fn check(url: &BrokerUrl, link: &Link, patience: Duration, without: &str) -> Result<(), OpenError> {
    if link.options.core {
        return Ok(());
    }
    let began = Instant::now();
    let mut pauses = Pauses::default();
    loop {
        let info: Result<serde_json::Value, _> = link.api("INFO", None).await;
        let error = match info {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let reason = match error {
            AskError::Refused(error) if error.meaning() != Meaning::NotNow => {
                return Err(unusable(url, format!("JetStream cannot be used: {}; {without}", error.description)));
            }
            AskError::Forbidden(subject) => {
                let reason = format!("the user has no permission for {subject}; grant it, or {without}");
                return Err(unusable(url, reason));
            }
            AskError::Refused(error) => error.description,
            AskError::Silent(reason) => reason,
        };
        let pause = pauses.next();
        if began.elapsed() + pause >= patience.min(ELECTION) {
            // A server that has it may only wait for others of its cluster.
            return Err(match link.client.server_info().jetstream {
                true => absent(url, format!("{reason}; see whether most servers of its cluster run, or {without}")),
                false => unusable(url, format!("{reason}; start nats-server with -js, or {without}")),
            });
        }
        tokio::time::sleep(pause).await;
    }
}

/// How long a cluster may take to elect the leader of JetStream.
const ELECTION: Duration = Duration::from_secs(10);

/// What does without JetStream.
pub(super) const WITHOUT: &str = "use ?mode=core, which does without it, with a registry elsewhere";
