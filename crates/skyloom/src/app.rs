//! A service's process from its first line to its exit code.

use skyloom_core::{
    Result, Status,
    service::{Answer, Described, Incoming},
    worker::{Running, Server},
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    about::about,
    config::{Settings, Sources, section_of},
    connect::Connection,
    foreground::{Foreground, Hook},
    host::Hosted,
    telemetry,
};

type Part = Box<dyn FnOnce(Server) -> Server + Send>;

/// One process: its services, its configuration, and its life from start to drain.
#[derive(Default)]
pub struct App {
    settings: Option<Settings>,
    /// The section of the configuration that applies, such as `links@1`.
    section: Option<String>,
    names: Vec<String>,
    parts: Vec<Part>,
    reloads: Vec<Hook>,
}

impl App {
    /// A process without a service yet, configured by `skyloom.toml`, environment and flags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A process with this configuration.
    #[must_use]
    pub fn with_settings(settings: Settings) -> Self {
        Self { settings: Some(settings), ..Self::default() }
    }

    /// Adds a service. The section of the configuration that applies to the process is that of the first one.
    #[must_use]
    pub fn serve<S: Described>(self, service: S) -> Self {
        self.add::<S>(Box::new(move |server| server.serve(service)))
    }

    /// Adds a service behind a tower layer.
    #[must_use]
    pub fn serve_with<S, L>(self, service: S, layer: L) -> Self
    where
        S: Described,
        L: Layer<skyloom_core::service::HandlerService<S>> + Send + 'static,
        L::Service: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Incoming>>::Future: Send,
    {
        self.add::<S>(Box::new(move |server| server.serve_with(service, layer)))
    }

    fn add<S: Described>(mut self, part: Part) -> Self {
        // A contract that breaks the rules is reported when the service starts.
        if let Ok(contract) = S::definition().contract() {
            self.section.get_or_insert_with(|| section_of(&contract));
            self.names.push(contract.name);
        }
        self.parts.push(part);
        self
    }

    /// Lets a part of the program take over a new configuration while it runs, its own settings above all, when the
    /// process gets SIGHUP. If one refuses it, the old configuration stays: those that have taken over the new one
    /// before it are called with the old one again.
    ///
    /// ```no_run
    /// # use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
    /// # fn app(app: skyloom::App, limit: Arc<AtomicU32>) -> skyloom::App {
    /// #[derive(serde::Deserialize)]
    /// struct Own { limit: u32 }
    ///
    /// app.on_reload(move |settings| {
    ///     limit.store(settings.own::<Own>()?.limit, Relaxed);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_reload(mut self, take: impl Fn(&Settings) -> Result<()> + Send + Sync + 'static) -> Self {
        self.reloads.push(Box::new(take));
        self
    }

    /// Starts the services on a connection, in this process.
    ///
    /// # Errors
    /// If a service's contract breaks the rules, or the broker refuses a channel.
    pub async fn start(self, connection: &Connection) -> Result<Running> {
        let settings = self.settings.unwrap_or_default();
        let broker = std::sync::Arc::clone(&connection.broker);
        let server = Server::with_options(broker, settings.worker(), settings.client());
        let server = server.registry(std::sync::Arc::clone(&connection.registry)).log_control(telemetry::log_control());
        self.parts.into_iter().fold(server, |server, part| part(server)).start().await
    }

    /// Reads the configuration, connects, serves until SIGTERM, Ctrl-C or an operator's drain, and
    /// drains. With `--help` or `--version` among the arguments, prints the flags or the version instead.
    ///
    /// # Errors
    /// A mistake in the configuration, or a broker that is not there.
    pub async fn run(mut self) -> Result<()> {
        if about(&format!("Serves {}.", self.names.join(", ")))? {
            return Ok(());
        }
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => Settings::load(&Sources::of_process(self.section.as_deref()))?,
        };
        let mut foreground = Foreground::start_with(settings.clone(), std::mem::take(&mut self.reloads))?;
        let names = self.names.join(", ");
        // A connection's start is large, and short beside the life of the process.
        let open = Box::pin(Hosted::open(&settings));
        let Some(hosted) = foreground.unless_ended(open).await else { return Ok(()) };
        let hosted = hosted?;
        self.settings = Some(settings);
        let start = Box::pin(self.start(&hosted.connection));
        let Some(started) = foreground.unless_ended(start).await else {
            foreground.drain(hosted.close()).await;
            return Ok(());
        };
        let mut running = started?;
        let (instance, broker) = (running.instance(), hosted.connection.address());
        tracing::info!(%instance, broker, "serving {names}");
        foreground.ready(&format!("serving {names}"));
        foreground.follow(running.client());
        let drain_requested = running.drain_requested();
        let closed = tokio::select! {
            () = foreground.ended() => false,
            () = drain_requested => false,
            () = running.closed() => true,
        };
        let time = foreground.settings().drain;
        let drain = async {
            running.drain_within(time).await;
            hosted.close().await;
        };
        foreground.drain(drain).await;
        if closed { Err(Status::unavailable("the broker closed the service's channels")) } else { Ok(()) }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("services", &self.names).finish_non_exhaustive()
    }
}

/// Serves one service: [`App::run`] with nothing else.
///
/// # Errors
/// As for [`App::run`].
pub async fn serve<S: Described>(service: S) -> Result<()> {
    App::new().serve(service).run().await
}
