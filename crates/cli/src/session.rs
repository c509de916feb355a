//! A command's connection to the cluster.

use std::{sync::Arc, time::Duration};

use skyloom::{
    ConnectError, Connection, Endpoints,
    broker::Admin,
    client::{Client, ClientOptions},
    config::{Settings, Sources},
    registry::Snapshot,
};

use crate::{failure::Failure, output::ColorChoice};

/// How long a question waits for a broker that is just being started anew.
pub(crate) const ASKING: Duration = Duration::from_secs(1);

/// How long the broker may take to answer a question that is not a call.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait until what is pending is written out.
const CLOSING: Duration = Duration::from_secs(1);

/// Over what every command takes, in its help.
const EVERYWHERE: &str = "Options of every command";

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Global {
    /// The broker: local:, unix:/path, tcp://127.0.0.1:PORT, nats://, redis://, amqp:// or beanstalk://HOST
    /// [default: SKYLOOM_BROKER or local:]
    #[arg(long, global = true, value_name = "URL", help_heading = EVERYWHERE)]
    broker: Option<String>,
    /// The registry, if it is not the broker's own: local:, unix:/path, nats:// or redis://HOST
    /// [default: SKYLOOM_REGISTRY]
    #[arg(long, global = true, value_name = "URL", help_heading = EVERYWHERE)]
    registry: Option<String>,
    /// Print listings and results as JSON, for other programs
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Colour what is said on standard error: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, hide_possible_values = true, help_heading = EVERYWHERE)]
    pub(crate) color: ColorChoice,
}

impl Global {
    /// The configuration of this process, with those of its flags that are keys.
    ///
    /// # Errors
    /// The first mistake in it.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        self.settings_of(None, [])
    }

    /// The same with a section of its own, and with flags of the command that are keys of the configuration, such as
    /// `--listen=127.0.0.1:80`.
    ///
    /// # Errors
    /// The first mistake in it.
    pub(crate) fn settings_of(
        &self,
        section: Option<&str>,
        own: impl IntoIterator<Item = String>,
    ) -> Result<Settings, Failure> {
        let mut sources = self.sources(section);
        sources.flags.extend(own);
        Settings::load(&sources).map_err(|error| Failure::usage(error.to_string()))
    }

    /// The flags of a command line that is not finished: words that are no flags of these are passed over.
    pub(crate) fn of_words(words: impl IntoIterator<Item = String>) -> Self {
        let mut global = Self { broker: None, registry: None, json: false, color: ColorChoice::Auto };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            let slot = match name.as_str() {
                "--broker" => &mut global.broker,
                "--registry" => &mut global.registry,
                _ => continue,
            };
            *slot = value.or_else(|| words.next());
        }
        global
    }

    /// Where the embedded broker is, if the command line says so.
    pub(crate) fn names_embedded_broker(&self) -> bool {
        let is_embedded = |url: &String| Endpoints::new(url).embedded().is_ok_and(|found| found == Some(url));
        self.broker.as_ref().is_some_and(is_embedded)
    }

    /// What this process is configured by, with those of its flags that are keys.
    pub(crate) fn sources(&self, section: Option<&str>) -> Sources {
        Sources { flags: self.as_flags(), ..Sources::of_process(section) }
    }

    /// Those of its flags that are keys of the configuration.
    fn as_flags(&self) -> Vec<String> {
        let flag = |name: &str, url: &Option<String>| url.as_ref().map(|url| format!("--{name}={url}"));
        [flag("broker", &self.broker), flag("registry", &self.registry)].into_iter().flatten().collect()
    }

    /// The same as variables of the environment, for a program that is started.
    pub(crate) fn as_variables(&self) -> Vec<(&'static str, String)> {
        let pairs = [("SKYLOOM_BROKER", &self.broker), ("SKYLOOM_REGISTRY", &self.registry)];
        pairs.into_iter().filter_map(|(name, url)| Some((name, url.clone()?))).collect()
    }

    /// The broker and the registry, for who asks a broker that others use: the flags, else what is configured, else this
    /// host's own.
    fn shared_endpoints(&self) -> Result<Endpoints, Failure> {
        let settings = self.settings()?;
        skyloom::set_busy_poll(settings.busy_poll);
        let endpoints = settings.endpoints();
        if endpoints.broker == "memory:" {
            let why = "memory: is a broker inside one process, which nobody else can ask";
            return Err(Failure::usage(format!("{why}; name one with --broker, or start one with `sky broker`")));
        }
        Ok(endpoints)
    }
}

/// A connection to the cluster, and what every command asks it.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
}

impl Session {
    /// Connects to the broker, which may take so long to be there.
    ///
    /// # Errors
    /// If it is not there, or its URL is wrong.
    pub(crate) async fn open(global: &Global, patience: Duration) -> Result<Self, Failure> {
        let endpoints = global.shared_endpoints()?;
        Self::of(endpoints.connect_within(patience).await)
    }

    /// The same for who asks the broker alone: a registry elsewhere that is not there is done without.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) async fn open_broker(global: &Global, patience: Duration) -> Result<Self, Failure> {
        let endpoints = global.shared_endpoints()?;
        let mut connected = endpoints.connect_within(patience).await;
        if let Err(ConnectError::NoRegistryThere { .. }) = connected {
            let alone = Endpoints { registry: Some("memory:".to_owned()), ..endpoints };
            connected = alone.connect_within(patience).await;
        }
        Self::of(connected)
    }

    fn of(connected: Result<Connection, ConnectError>) -> Result<Self, Failure> {
        let connection = connected.map_err(|error| match error {
            error if error.is_temporary() => Failure::failed(error.to_string()),
            error @ ConnectError::Unusable(_) => Failure::failed(error.to_string()),
            error => Failure::usage(error.to_string()),
        })?;
        Ok(Self { connection })
    }

    /// The connection itself.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// A client with the usual behaviour.
    pub(crate) fn client(&self) -> Client {
        self.connection.client()
    }

    /// A client with another behaviour.
    pub(crate) fn client_with(&self, options: ClientOptions) -> Client {
        self.connection.client_with(options)
    }

    /// Everything that the registry knows now.
    ///
    /// # Errors
    /// If it does not answer.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, Failure> {
        let watch = within(self.connection.registry.watch()).await??;
        let snapshot = Arc::clone(&watch.borrow());
        Ok(snapshot)
    }

    /// The operator's view of the broker.
    ///
    /// # Errors
    /// If the broker has none.
    pub(crate) fn admin(&self) -> Result<&dyn Admin, Failure> {
        let broker = &self.connection.broker;
        broker.admin().ok_or_else(|| {
            let name = broker.capabilities().broker;
            Failure::failed(format!("the broker {name} offers no operator's view; use its own tools"))
        })
    }

    /// Writes out what is pending and closes.
    pub(crate) async fn close(self) {
        // What could not be written within this time will not be.
        drop(tokio::time::timeout(CLOSING, self.connection.close()).await);
    }
}

/// Waits for an answer, but not for ever.
///
/// # Errors
/// If none comes.
pub(crate) async fn within<T>(answer: impl Future<Output = T>) -> Result<T, Failure> {
    let silent = |_| Failure::failed(format!("the broker did not answer within {PATIENCE:?}; see its log"));
    tokio::time::timeout(PATIENCE, answer).await.map_err(silent)
}
