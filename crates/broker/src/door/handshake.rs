//! The two hellos.

use bytes::BytesMut;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::hub::Hub;
use crate::{
    engine::Conn,
    wire::{Accepted, ClientHello, MAX_CLIENT_HELLO, ServerHello, VERSION, WireError, common_version},
};

/// Why a connection came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    /// The client is gone again.
    #[error("the client went away before its hello was complete")]
    Gone,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client's first bytes are no hello.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The client is not let in.
    #[error("{0}")]
    Refused(String),
}

/// Agrees with the client on a version and lets it in. What it has sent beyond its hello stays in
/// the buffer.
pub(super) async fn shake<S>(hub: &Hub, stream: &mut S, buffer: &mut BytesMut) -> Result<(Conn, String), Rejected>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hello = match receive(stream, buffer).await {
        Err(Rejected::Wire(error)) => {
            send(stream, &ServerHello::Refused(error.to_string())).await?;
            return Err(error.into());
        }
        received => received?,
    };
    match admit(hub, &hello) {
        Ok((conn, version)) => {
            let accepted = Accepted {
                version,
                epoch: hub.epoch,
                message_bytes: hub.limits.message_bytes as u64,
                inbox_grace: hub.limits.inbox_grace,
                silence: hub.limits.silence,
            };
            if let Err(error) = send(stream, &ServerHello::Accepted(accepted)).await {
                hub.disconnect(conn);
                return Err(error.into());
            }
            Ok((conn, hello.name))
        }
        Err(reason) => {
            send(stream, &ServerHello::Refused(reason.clone())).await?;
            Err(Rejected::Refused(reason))
        }
    }
}

async fn receive<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> Result<ClientHello, Rejected> {
    loop {
        if let Some(hello) = ClientHello::decode(buffer)? {
            return Ok(hello);
        }
        debug_assert!(buffer.len() < MAX_CLIENT_HELLO, "a hello that is as long as it may be is complete");
        if stream.read_buf(buffer).await? == 0 {
            return Err(Rejected::Gone);
        }
    }
}

fn admit(hub: &Hub, hello: &ClientHello) -> Result<(Conn, u16), String> {
    let version = common_version(hello)?;
    if hello.max != VERSION {
        tracing::warn!(
            client = ?hello.name, theirs = hello.max, ours = VERSION, spoken = version,
            "a client speaks another version of the protocol"
        );
    }
    Ok((hub.connect(hello.session)?, version))
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, hello: &ServerHello) -> io::Result<()> {
    let mut out = BytesMut::new();
    hello.encode(&mut out);
    stream.write_all(&out).await
}
