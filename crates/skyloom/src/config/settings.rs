//! [`Settings`] itself.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use config::Config;
use serde::{Deserialize, Deserializer, de};
use skyloom_core::{client::ClientOptions, worker::WorkerOptions};

use super::{
    ConfigError, OwnSettings,
    file::{read, sections},
    keys::parse_duration,
    layers::{FILE_VARIABLE, Layer, environment, flags, help},
};
use crate::{
    arguments::{arguments, variables},
    connect::Endpoints,
};

/// The file that is read if it is there.
const DEFAULT_FILE: &str = "skyloom.toml";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, for the journal if it reads standard error, and JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
    /// For systemd's journal: text after a priority in angle brackets.
    Journal,
}

/// The configuration of one process: built-in default, then `skyloom.toml` (`[default]`,
/// `[service]`, `[service."name@1"]`), then `SKYLOOM_*`, then flags; the later wins.
///
/// [`App::new`](crate::App::new) reads it. A program that knows better gives all of it, or reads it and changes some:
///
/// ```
/// use std::time::Duration;
/// use skyloom::{App, Settings, config::Sources};
///
/// // Nothing is read: no file, no variable, no flag.
/// let settings = Settings { drain: Duration::from_secs(5), concurrency: 4, ..Settings::default() };
/// let app = App::with_settings(settings);
///
/// // What was read, but for one value.
/// let mut settings = Settings::load(&Sources::of_process(Some("links@1")))?;
/// settings.region = "eu".to_owned();
/// let app = App::with_settings(settings);
/// # Ok::<(), skyloom::config::ConfigError>(())
/// ```
#[derive(Clone, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The broker's URL; none: the local broker, or one in this process if there is none.
    pub broker: Option<String>,
    /// The registry's URL; none: the broker's own.
    pub registry: Option<String>,
    /// The region that this process runs in.
    pub region: String,
    /// What to log, by level and module.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How many requests of one service an instance holds at once.
    pub concurrency: u32,
    /// How long a lease lasts.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// After how many attempts a request becomes a dead letter.
    pub max_attempts: u32,
    /// How long a drain may take.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
    /// How long a call may take if neither the caller nor the method says.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Whether this process stays awake for a moment after each message if more are likely to come at once.
    #[serde(deserialize_with = "on_or_off")]
    pub busy_poll: bool,
    /// The gateway's address.
    pub listen: String,
    /// The service's own keys.
    pub settings: OwnSettings,
    /// What it was read from, and is read from again at SIGHUP; none: the program itself has made it.
    #[serde(skip)]
    pub sources: Option<Sources>,
}

impl Default for Settings {
    fn default() -> Self {
        let (worker, client) = (WorkerOptions::default(), ClientOptions::default());
        Self {
            broker: None,
            registry: None,
            region: String::new(),
            log: "info".to_owned(),
            log_format: LogFormat::default(),
            concurrency: worker.concurrency,
            lease: worker.lease,
            max_attempts: worker.max_attempts,
            drain: worker.drain,
            timeout: client.timeout,
            busy_poll: true,
            listen: "127.0.0.1:8080".to_owned(),
            settings: OwnSettings::default(),
            sources: None,
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn on_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    String::deserialize(deserializer).map(|word| word == "on")
}

/// Where a configuration comes from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file; none: none is read.
    pub file: Option<PathBuf>,
    /// The service whose section applies, such as `links@1`.
    pub service: Option<String>,
    /// The environment's variables.
    pub environment: Vec<(String, String)>,
    /// The command line without the program's name.
    pub flags: Vec<String>,
}

impl fmt::Debug for Sources {
    /// Without the environment and the flags, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("file", &self.file).field("service", &self.service).finish_non_exhaustive()
    }
}

impl Sources {
    /// What this process was started with.
    #[must_use]
    pub fn of_process(service: Option<&str>) -> Self {
        let named = env::var_os(FILE_VARIABLE).map(PathBuf::from);
        Self {
            file: named.or_else(usual_file),
            service: service.map(str::to_owned),
            environment: variables().collect(),
            flags: own_flags(arguments().collect()),
        }
    }
}

impl Settings {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first mistake, with its key and its place: a file's line, a variable or a flag.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Self::of_layers(sources, layers(sources)?)
    }

    /// The same if the file had this text, for who compares what it says with what it said before.
    ///
    /// # Errors
    /// As for [`Settings::load`].
    pub fn load_text(sources: &Sources, text: &str) -> Result<Self, ConfigError> {
        Self::of_layers(sources, layers_with(sources, Some(text))?)
    }

    /// The same from what the sources say.
    pub(super) fn of_layers(sources: &Sources, layers: Vec<Layer>) -> Result<Self, ConfigError> {
        let builder = layers.into_iter().fold(Config::builder(), |builder, layer| builder.add_source(layer));
        let read = builder.build().and_then(Config::try_deserialize);
        let settings: Self = read.map_err(|error| ConfigError::Own(error.to_string()))?;
        Ok(Self { sources: Some(sources.clone()), ..settings })
    }

    /// Reads the configuration anew from where it was read; none if it was made by the program itself. A
    /// `skyloom.toml` that was not there before is found.
    ///
    /// # Errors
    /// As for [`Settings::load`].
    pub fn reload(&self) -> Result<Option<Self>, ConfigError> {
        let Some(sources) = &self.sources else { return Ok(None) };
        let file = sources.file.clone().or_else(usual_file);
        Self::load(&Sources { file, ..sources.clone() }).map(Some)
    }

    /// Where the broker and the registry are; the local broker if nothing is configured.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            broker: self.broker.clone().unwrap_or_else(|| "local:".to_owned()),
            registry: self.registry.clone(),
        }
    }

    /// How the worker is to behave.
    #[must_use]
    pub fn worker(&self) -> WorkerOptions {
        WorkerOptions {
            concurrency: self.concurrency,
            lease: self.lease,
            max_attempts: self.max_attempts,
            drain: self.drain,
            host: host_name(),
            region: self.region.clone(),
        }
    }

    /// How the client is to behave.
    #[must_use]
    pub fn client(&self) -> ClientOptions {
        ClientOptions { timeout: self.timeout, ..ClientOptions::default() }
    }

    /// What `--help` prints: the flags, which are also keys of the file and, in capitals and after
    /// `SKYLOOM_`, variables.
    #[must_use]
    pub fn help() -> String {
        #[cfg(feature = "daemon")]
        return help() + crate::daemon::HELP;
        #[cfg(not(feature = "daemon"))]
        help()
    }
}

/// The flags that are keys.
fn own_flags(arguments: Vec<String>) -> Vec<String> {
    #[cfg(feature = "daemon")]
    return crate::daemon::without_flags(arguments);
    #[cfg(not(feature = "daemon"))]
    arguments
}

fn usual_file() -> Option<PathBuf> {
    Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists())
}

/// What the sources say, the weakest first.
pub(super) fn layers(sources: &Sources) -> Result<Vec<Layer>, ConfigError> {
    let text = sources.file.as_deref().map(read).transpose()?;
    layers_with(sources, text.as_deref())
}

/// The same with this text of the file.
fn layers_with(sources: &Sources, text: Option<&str>) -> Result<Vec<Layer>, ConfigError> {
    let path = sources.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let file = text.map_or_else(|| Ok(Vec::new()), |text| sections(path, text, sources.service.as_deref()))?;
    let mut layers: Vec<Layer> = file.into_iter().map(Layer).collect();
    layers.push(environment(sources.environment.iter().cloned())?);
    layers.push(flags(sources.flags.iter().cloned())?);
    Ok(layers)
}

/// The name of this host, as far as the system tells without a C library.
fn host_name() -> String {
    let told =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = told.ok().or_else(|| env::var("HOSTNAME").ok()).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
