//! A connection to a server: commands go out in one piece, answers come back in their order.

use std::{fmt, time::Duration};

use bytes::BytesMut;
use skyloom_core::BusyPoll;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{
    codec::{Command, Reply, Stats},
    options::Place,
};
use crate::remote::{OpenError, stranger};

/// How long a server may take to answer before it counts as gone.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

/// How long a server may take to answer before it is asked on another connection who it is.
const HESITATION: Duration = Duration::from_millis(500);

/// What beanstalkd says to that.
const UNKNOWN: &[u8] = b"UNKNOWN_COMMAND";

/// How much is read at once, at least.
const READ: usize = 64 << 10;

/// Why a connection is of no use any more.
#[derive(Clone, Debug)]
pub(super) struct Trouble(pub(super) String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Names this life of the server.
    pub(super) id: String,
    /// Its `-z`.
    pub(super) max_job: usize,
    /// It was started with `-b`.
    pub(super) persistent: bool,
}

/// The answers of a server.
pub(super) struct Reader {
    source: Box<dyn AsyncRead + Send + Unpin>,
    received: BytesMut,
    busy_poll: BusyPoll,
}

/// The way to a server.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

impl Reader {
    /// The next answer, if it is there already.
    pub(super) fn ready(&mut self) -> Result<Option<Reply>, Trouble> {
        Reply::decode(&mut self.received).map_err(|garbage| Trouble(strange(&garbage.0)))
    }

    /// Waits for more to decode. Nothing is lost if it is dropped.
    pub(super) async fn fill(&mut self) -> Result<(), Trouble> {
        self.received.reserve(READ);
        match self.source.read_buf(&mut self.received).await? {
            0 => Err(Trouble("the server closed the connection".to_owned())),
            _ => {
                self.busy_poll.came();
                Ok(())
            }
        }
    }

    /// The next answer, for which this long is waited.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Reply, Trouble> {
        loop {
            if let Some(reply) = self.ready()? {
                return Ok(reply);
            }
            let silent = || Trouble(format!("the server has not answered for {} s", patience.as_secs()));
            timeout(patience, self.fill()).await.map_err(|_| silent())??;
        }
    }
}

/// What somebody who is no beanstalkd says, in a sentence.
fn strange(bytes: &[u8]) -> String {
    let Some(kind) = stranger::kind(bytes) else {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().next().unwrap_or_default();
        return format!("it does not speak beanstalkd's protocol: it says {:?}", line.escape_debug().to_string());
    };
    let tls = if bytes.starts_with(&[0x15, 0x03]) { ", which beanstalkd does not have" } else { "" };
    format!("it does not speak beanstalkd's protocol: it is {kind}{tls}; check the port in the broker's URL")
}

/// A connection whose other end is a beanstalkd.
pub(super) struct Pipe {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) facts: Facts,
}

impl Pipe {
    /// Connects and asks the server who it is.
    ///
    /// # Errors
    /// [`OpenError::Absent`] if nobody answers, [`OpenError::Unusable`] if somebody else does.
    pub(super) async fn open(place: &Place) -> Result<Self, OpenError> {
        let absent = |reason: String| OpenError::Absent { address: place.to_string(), reason };
        let connected = timeout(SILENCE, connect(place)).await;
        let (source, mut writer) =
            connected.map_err(|_| absent("it does not answer".to_owned()))?.map_err(|error| absent(refusal(&error)))?;
        let mut reader = Reader { source, received: BytesMut::new(), busy_poll: BusyPoll::default() };
        let mut out = BytesMut::new();
        Command::Stats.encode(&mut out);
        writer.write_all(&out).await.map_err(|error| absent(error.to_string()))?;
        let unusable = |reason: String| OpenError::Unusable { address: place.to_string(), reason };
        let asked = timeout(HESITATION, reader.next(SILENCE)).await;
        if let (Err(_) | Ok(Err(_)), Place::Tcp(host), true) = (&asked, place, reader.received.is_empty()) {
            // Who waits for more than a line says who he is when he is asked in another way.
            let words = stranger::first_words(host.as_str()).await;
            if !words.starts_with(UNKNOWN) && stranger::kind(&words).is_some() {
                return Err(unusable(strange(&words)));
            }
        }
        let reply = match asked {
            Ok(reply) => reply,
            // One that is slow has its time nevertheless.
            Err(_) => reader.next(SILENCE).await,
        };
        match reply {
            Ok(Reply::Ok(body)) => {
                let facts = facts(&Stats::of(&body));
                let facts = facts.ok_or_else(|| unusable("its statistics are not those of a beanstalkd".to_owned()))?;
                Ok(Self { reader, writer, facts })
            }
            Ok(other) => Err(unusable(format!("it answers {other:?} when it is asked for its statistics"))),
            Err(_) if !reader.received.is_empty() => Err(unusable(strange(&reader.received))),
            Err(Trouble(reason)) => {
                Err(absent(format!("{reason}; see whether it hangs, and whether it is a beanstalkd")))
            }
        }
    }

    /// Connects, trying again for as long as nobody is there.
    ///
    /// # Errors
    /// As [`Pipe::open`], once `patience` has run out.
    pub(super) async fn open_within(place: &Place, patience: Duration) -> Result<Self, OpenError> {
        let end = tokio::time::Instant::now() + patience;
        let mut pauses = crate::remote::Pauses::default();
        loop {
            match Self::open(place).await {
                Err(OpenError::Absent { .. }) if tokio::time::Instant::now() < end => {
                    tokio::time::sleep_until((tokio::time::Instant::now() + pauses.next()).min(end)).await;
                }
                result => return result,
            }
        }
    }
}

fn facts(stats: &Stats<'_>) -> Option<Facts> {
    Some(Facts {
        id: stats.text("id")?.to_owned(),
        max_job: stats.number("max-job-size")?,
        persistent: stats.number::<u64>("binlog-current-index").is_some_and(|index| index > 0),
    })
}

type Halves = (Box<dyn AsyncRead + Send + Unpin>, Writer);

async fn connect(place: &Place) -> std::io::Result<Halves> {
    match place {
        Place::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (source, sink) = stream.into_split();
            Ok((Box::new(source), Box::new(sink)))
        }
        Place::Unix(path) => {
            let (source, sink) = UnixStream::connect(path).await?.into_split();
            Ok((Box::new(source), Box::new(sink)))
        }
    }
}

fn refusal(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        std::io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not open the socket".to_owned(),
        _ => error.to_string(),
    }
}
