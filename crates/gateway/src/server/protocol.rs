//! Which protocol a client speaks.

use std::{io, time::Duration};

use tokio::net::TcpStream;

/// What a client of HTTP/2 sends first: RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait for the rest of a preface that has come in part, which hardly ever happens.
const PAUSE: Duration = Duration::from_millis(10);

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The client's protocol, once it has sent enough to tell; nothing is taken out of the stream. None
/// if it has sent nothing and closes.
pub(super) async fn protocol(stream: &TcpStream) -> io::Result<Option<Protocol>> {
    let mut start = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut start).await?;
        match start.get(..length).and_then(|start| PREFACE.strip_prefix(start)) {
            _ if length == 0 => return Ok(None),
            None => return Ok(Some(Protocol::Http1)),
            Some([]) => return Ok(Some(Protocol::Http2)),
            Some(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncWriteExt as _,
        net::{TcpListener, TcpStream},
    };

    use super::{
        Protocol::{Http1, Http2},
        protocol,
    };

    #[tokio::test]
    async fn the_first_bytes_tell_even_in_pieces() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (pieces, expected) in [
            (&["GET / HTTP/1.1\r\n"][..], Some(Http1)),
            (&["P", "OST"], Some(Http1)),
            (&["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], Some(Http2)),
            (&["PRI * HT", "TP/2.0\r\n\r\n", "SM\r\n\r\nmore"], Some(Http2)),
            (&[], None),
        ] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            let send = async {
                for piece in pieces {
                    client.write_all(piece.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
                drop(client);
            };
            let (found, ()) = tokio::join!(protocol(&server), send);
            assert_eq!(found.unwrap(), expected, "{pieces:?}");
        }
    }
}
