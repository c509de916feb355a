//! Making a connection: TCP, TLS, and the handshake.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    greeting::{foreign, foreign_at},
    operate::{NOT_FOUND, explain},
    options::AmqpOptions,
    role::PUBLISH,
    state::Tuned,
    tls::{configuration, explain_tls, server_name},
    wire::{Address, Argument, Arguments, Frame, HEADER, Incoming, METHOD, Marks, Outgoing, take},
};
use crate::remote::OpenError;

/// How long a server has for each step.
const STEP: Duration = Duration::from_secs(5);

/// How long a server may be silent before it is asked in another way what it is.
const SILENCE: Duration = Duration::from_millis(500);

/// The largest frame and the most channels that are asked for.
const FRAME: u32 = 128 << 10;
const CHANNELS: u16 = 2047;

/// A connection's two directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection on which the virtual host is open.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn Stream>,
    pub(super) tuned: Tuned,
    /// What the server calls itself.
    pub(super) server: String,
    /// What was read beyond the handshake.
    pub(super) rest: BytesMut,
}

/// Connects to one host.
pub(super) async fn dial(options: &AmqpOptions, host: &str) -> Result<Dialled, OpenError> {
    if let Some(dialled) = attempt(options, host, true).await? {
        return Ok(dialled);
    }
    // A server that takes no messages for now blocks every connection on which one is sent. On another one work can be
    // taken meanwhile.
    let reason = "it takes no messages for now".to_owned();
    attempt(options, host, false).await?.ok_or_else(|| OpenError::Absent { address: host.to_owned(), reason })
}

/// The same, once. None if the server takes no messages for now, which is tried or not.
async fn attempt(options: &AmqpOptions, host: &str, sends: bool) -> Result<Option<Dialled>, OpenError> {
    let absent = |reason: String| OpenError::Absent { address: host.to_owned(), reason };
    let unusable = |reason: String| OpenError::Unusable { address: host.to_owned(), reason };
    let connected = timeout(STEP, TcpStream::connect(host)).await;
    let socket = match connected {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return Err(absent(explain_io(&error))),
        Err(_) => return Err(absent("no answer to the attempt to connect".to_owned())),
    };
    // Small frames are sent at once; they are batched here already.
    socket.set_nodelay(true).map_err(|error| absent(error.to_string()))?;
    let stream: Box<dyn Stream> = if options.tls {
        let configuration = configuration(options.authority.as_deref()).map_err(&unusable)?;
        let name = server_name(host).map_err(&unusable)?;
        let connecting = TlsConnector::from(Arc::new(configuration)).connect(name, socket);
        match timeout(STEP, connecting).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return Err(unusable(explain_tls(&error))),
            Err(_) => return Err(absent("no answer to the TLS handshake".to_owned())),
        }
    } else {
        Box::new(socket)
    };
    let mut handshake = Handshake { stream, buffer: BytesMut::with_capacity(4096), host, server: String::new() };
    let tuned = timeout(STEP * 2, handshake.run(options, sends)).await;
    let tuned = tuned.unwrap_or_else(|_| Err(absent("it stopped in the middle of the handshake".to_owned())))?;
    let Handshake { stream, server, buffer: rest, .. } = handshake;
    Ok(tuned.map(|tuned| Dialled { stream, tuned, server, rest }))
}

fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        _ => error.to_string(),
    }
}

struct Handshake<'a> {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    host: &'a str,
    server: String,
}

impl Handshake<'_> {
    fn unusable(&self, reason: impl Into<String>) -> OpenError {
        OpenError::Unusable { address: self.host.to_owned(), reason: reason.into() }
    }

    fn absent(&self, reason: impl Into<String>) -> OpenError {
        OpenError::Absent { address: self.host.to_owned(), reason: reason.into() }
    }

    async fn run(&mut self, options: &AmqpOptions, sends: bool) -> Result<Option<Tuned>, OpenError> {
        self.greet(options.tls).await?;
        let mut out = BytesMut::new();
        Outgoing(&mut out).start_ok(&client_properties(), &options.user, &options.password);
        self.write(&out).await?;
        let (channels, frame, heartbeat) = match self.next("it does not accept the login").await? {
            Incoming::Tune { channels, frame, heartbeat } => (channels, frame, heartbeat),
            Incoming::Secure => return Err(self.unusable("it asks for more than a user and a password")),
            _ => return Err(self.unusable("it does not go on with the handshake as AMQP 0-9-1 says")),
        };
        // Zero is no limit, or no heartbeat.
        let channels = if channels == 0 { CHANNELS } else { channels.min(CHANNELS) };
        let frame = if frame == 0 { FRAME } else { frame.min(FRAME) };
        let heartbeat = if heartbeat == 0 { options.heartbeat } else { heartbeat.min(options.heartbeat) };
        out.clear();
        Outgoing(&mut out).tune_ok(channels, frame, heartbeat);
        Outgoing(&mut out).open(&options.vhost);
        self.write(&out).await?;
        if !matches!(self.next("it ends the handshake").await?, Incoming::Opened) {
            return Err(self.unusable("it does not open the virtual host"));
        }
        let tuned = Tuned { channels, frame: frame as usize, heartbeat: Duration::from_secs(heartbeat.into()) };
        Ok(self.probe(options, frame as usize, sends).await?.then_some(tuned))
    }

    /// Says which protocol this is, and waits for the same from the server.
    async fn greet(&mut self, tls: bool) -> Result<(), OpenError> {
        self.write(HEADER).await?;
        match timeout(SILENCE, self.read()).await {
            Ok(read) => read?,
            Err(_) => {
                // Servers that wait for a line are known by what they say to one, which a slow RabbitMQ need not hear.
                let foreign = if tls { None } else { foreign_at(self.host).await };
                if let Some(reason) = foreign {
                    return Err(self.unusable(reason));
                }
                let silent = timeout(STEP, self.read()).await;
                silent.unwrap_or_else(|_| Err(self.absent("it accepts connections and says nothing")))?;
            }
        }
        if let Some(reason) = foreign(&self.buffer) {
            return Err(self.unusable(reason));
        }
        match self.next("it does not greet").await? {
            Incoming::Start { mechanisms, server } => {
                self.server = server;
                let plain = mechanisms.split(|byte| *byte == b' ').any(|mechanism| mechanism == b"PLAIN");
                if plain { Ok(()) } else { Err(self.unusable("it does not take a user and a password (PLAIN)")) }
            }
            _ => Err(self.unusable("it does not begin as AMQP 0-9-1 says")),
        }
    }

    /// Tries what every client and worker must be permitted, so that a missing permission is known at once. It is
    /// tried with a queue that does not exist, for one that does may be on a node of a cluster that is away. False if
    /// the server takes no messages for now.
    async fn probe(&mut self, options: &AmqpOptions, frame: usize, sends: bool) -> Result<bool, OpenError> {
        let nobody = format!("{}:nobody", options.limits.prefix);
        let mut out = BytesMut::new();
        let mut send = Outgoing(&mut out);
        send.open_channel(PUBLISH);
        send.confirm(PUBLISH);
        send.delete(PUBLISH, &nobody);
        if sends {
            let address = Address { channel: PUBLISH, exchange: "", key: &nobody, mandatory: false, frame };
            send.publish(&address, &Marks::default(), &skyloom_core::Envelope::default());
        }
        send.get(PUBLISH, &nobody);
        self.write(&out).await?;
        loop {
            match self.next("it ends the connection").await? {
                Incoming::ChannelClose { code: NOT_FOUND, .. } => {
                    out.clear();
                    Outgoing(&mut out).close_channel_ok(PUBLISH);
                    return self.write(&out).await.map(|()| true);
                }
                Incoming::ChannelClose { code, text } => return Err(self.unusable(explain(code, &text))),
                Incoming::Blocked(_) => return Ok(false),
                _ => {}
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), OpenError> {
        let written = self.stream.write_all(bytes).await;
        let flushed = if written.is_ok() { self.stream.flush().await } else { written };
        flushed.map_err(|error| self.absent(error.to_string()))
    }

    /// Reads some more.
    async fn read(&mut self) -> Result<(), OpenError> {
        let reason = match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => "it closed the connection without a word; if it expects TLS, write amqps://".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) => format!("{error}; if it expects TLS, write amqps://"),
        };
        Err(self.unusable(reason))
    }

    /// The next method; the server's own words if it ends the connection.
    async fn next(&mut self, meanwhile: &str) -> Result<Incoming, OpenError> {
        loop {
            let frame = take(&mut self.buffer, FRAME as usize + 8).map_err(|error| self.unusable(error.to_string()))?;
            match frame {
                Some(Frame { kind: METHOD, payload, .. }) => {
                    let method = Incoming::read(payload).map_err(|error| self.unusable(error.to_string()))?;
                    return match method {
                        Incoming::Close { code, text } => Err(self.unusable(explain(code, &text))),
                        method => Ok(method),
                    };
                }
                Some(_) => {}
                None => {
                    let closed = self.stream.read_buf(&mut self.buffer).await;
                    if !closed.as_ref().is_ok_and(|read| *read > 0) {
                        return Err(self.absent(format!("it closed the connection: {meanwhile}")));
                    }
                }
            }
        }
    }
}

/// What the client says of itself, and that it wants to hear why a login fails.
fn client_properties() -> Arguments {
    let text = |text: &str| Argument::Text(text.to_owned());
    let able = ["authentication_failure_close", "consumer_cancel_notify", "connection.blocked", "publisher_confirms"];
    let able = able.into_iter().map(|name| (name, Argument::Flag(true)));
    let able = able.chain([("basic.nack", Argument::Flag(true))]).collect();
    vec![
        ("product", text("Skyloom")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
        ("connection_name", text(&format!("skyloom {}", std::process::id()))),
        ("capabilities", Argument::Table(able)),
    ]
}
