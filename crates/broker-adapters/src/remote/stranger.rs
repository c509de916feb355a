//! Who is on a port where a broker of another kind was expected, by the first words.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, ToSocketAddrs},
    time::timeout,
};

/// How long a stranger may take to accept a connection, and to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who speaks first has said something by then.
const FIRST_WORD: Duration = Duration::from_millis(300);

/// A question to which servers of all kinds answer, be it that they do not understand. RabbitMQ reads eight bytes first.
const QUESTION: &[u8] = b"PING\r\n\r\n";

/// A record of TLS with nothing sensible in it: who expects TLS answers with an alert, which is one, too.
const NONSENSE: &[u8] = &[0x16, 3, 1, 0, 4, 0xFF, 0, 0, 0];

/// How an answer in TLS begins.
const ALERT: &[u8] = &[0x15, 3];

/// How much is read of an answer.
const ANSWER: usize = 4096;

/// What a server is that says this first, if that is known.
pub(crate) fn kind(first: &[u8]) -> Option<&'static str> {
    let begins = |words: &[&str]| words.iter().any(|word| first.starts_with(word.as_bytes()));
    match first {
        [0x15, 3, ..] => Some("a server that expects TLS"),
        _ if begins(&["HTTP/", "<"]) => Some("an HTTP server"),
        _ if begins(&["INFO {"]) => Some("a NATS server"),
        _ if begins(&["+PONG", "-ERR", "-NOAUTH", "-DENIED", "-NOPERM"]) => Some("a Redis server"),
        _ if begins(&["UNKNOWN_COMMAND", "BAD_FORMAT"]) => Some("a beanstalkd server"),
        _ if begins(&["AMQP"]) => Some("an AMQP broker such as RabbitMQ"),
        _ if begins(&["SSH-"]) => Some("an SSH server"),
        _ => None,
    }
}

/// What somebody at this host and port says, on a connection of its own: by himself, or when he is asked. Nothing if
/// nobody is there or he is silent.
pub(crate) async fn first_words(host: impl ToSocketAddrs + Copy) -> Vec<u8> {
    let said = answer(host, FIRST_WORD, QUESTION).await;
    if !said.is_empty() {
        return said;
    }
    // Some who expect TLS say nothing to what is none.
    let said = answer(host, Duration::ZERO, NONSENSE).await;
    if said.starts_with(ALERT) { said } else { Vec::new() }
}

/// What somebody says within this time, or to a question.
async fn answer(host: impl ToSocketAddrs, time: Duration, question: &[u8]) -> Vec<u8> {
    let Ok(Ok(mut socket)) = timeout(PATIENCE, TcpStream::connect(host)).await else { return Vec::new() };
    let said = read_some(&mut socket, time).await;
    if !said.is_empty() || socket.write_all(question).await.is_err() {
        return said;
    }
    read_some(&mut socket, PATIENCE).await
}

async fn read_some(socket: &mut TcpStream, time: Duration) -> Vec<u8> {
    let mut said = vec![0; ANSWER];
    let read = timeout(time, socket.read(&mut said)).await;
    said.truncate(read.ok().and_then(Result::ok).unwrap_or(0));
    said
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn others_are_known_by_their_first_words() {
        let is = |first: &[u8], part: &str| assert!(kind(first).is_some_and(|kind| kind.contains(part)), "{first:?}");
        is(b"HTTP/1.1 400 Bad Request", "HTTP");
        is(b"<!DOCTYPE HTML>", "HTTP");
        is(b"INFO {\"server_id\":", "NATS");
        is(b"-ERR unknown command", "Redis");
        is(b"+PONG\r\n", "Redis");
        is(b"UNKNOWN_COMMAND\r\n", "beanstalkd");
        is(b"AMQP\x00\x00\x09\x01", "AMQP");
        is(&[0x15, 3, 3, 0, 2], "TLS");
        assert_eq!((kind(b"220 mail"), kind(b"")), (None, None));
    }
}
