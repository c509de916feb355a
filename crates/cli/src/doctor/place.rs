//! Where the embedded broker and the gateway listen.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::Path,
    time::Duration,
};

use rustix::fs::{Access, access};
use skyloom::embedded::Address;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::finding::Finding;
use crate::{listener::listener, text::why};

/// How long whoever listens on the gateway's port may take to say that it is one.
const LOOK: Duration = Duration::from_secs(2);

/// The rights that nobody but the owner of a broker's socket may have.
const OTHERS: u32 = 0o077;

/// What to do about a place that is not for this user.
const OWN: &str = "choose another place with --broker, or set XDG_RUNTIME_DIR";

/// Whether the embedded broker has, or can have, its socket.
pub(super) fn socket(address: &Address) -> Option<Finding> {
    match address {
        Address::Unix(path) => Some(unix(path)),
        _ => None,
    }
}

/// Whether somebody listens where the embedded broker is looked for, be it one that answers or not.
pub(super) fn is_taken(address: &Address) -> bool {
    match address {
        Address::Unix(path) => UnixStream::connect(path).is_ok(),
        Address::Tcp(host) => std::net::TcpStream::connect_timeout(host, LOOK).is_ok(),
        _ => false,
    }
}

/// Whether this user has no right to ask whether somebody listens there.
pub(super) fn is_barred(address: &Address) -> bool {
    let Address::Unix(path) = address else { return false };
    UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn unix(path: &Path) -> Finding {
    const CHECK: &str = "socket";
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return absent(path),
        Err(error) => {
            return Finding::broken(
                CHECK,
                format!("cannot look at {shown}: {}", why(&error)),
                "give yourself the right to",
            );
        }
    };
    let mode = found.permissions().mode();
    if !found.file_type().is_socket() {
        Finding::broken(CHECK, format!("{shown} is no socket"), "move it away, or choose another place with --broker")
    } else if mode & OTHERS != 0 {
        let found = format!("others may use {shown}, its mode is {:o}", mode & 0o777);
        Finding::broken(CHECK, found, format!("chmod 600 {shown}"))
    } else {
        match UnixStream::connect(path) {
            Ok(_) => Finding::ok(CHECK, format!("{shown}, only for you")),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Finding::broken(CHECK, format!("{shown} is another user's"), OWN)
            }
            Err(_) => {
                let found = format!("{shown} was left by a broker that is gone");
                Finding::note(CHECK, found, "the next broker takes it over")
            }
        }
    }
}

fn absent(path: &Path) -> Finding {
    const CHECK: &str = "socket";
    let shown = path.display();
    let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) else {
        return Finding::broken(CHECK, format!("{shown} has no directory"), "choose another place with --broker");
    };
    if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return Finding::ok(CHECK, format!("{shown} can be made"));
    }
    let found = format!("{shown} cannot be made: you may not write into {}", folder.display());
    Finding::broken(CHECK, found, OWN)
}

/// Whether the gateway has, or can have, its port.
pub(super) async fn port(address: SocketAddr, choose: &str) -> Finding {
    const CHECK: &str = "port";
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(CHECK, format!("{address} is free for the gateway")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if matches!(timeout(LOOK, is_gateway(address)).await, Ok(Ok(true))) {
                return Finding::ok(CHECK, format!("a gateway answers at {address}"));
            }
            let taken = listener(address);
            if let Some(holder) = taken.as_ref().filter(|one| one.holds().is_some()) {
                let found = format!("{} holds {address} for a gateway that does not answer yet", holder.shown());
                return Finding::note(
                    CHECK,
                    found,
                    "wait until it is ready; the lines of that command say what it does",
                );
            }
            let who = taken.map_or_else(String::new, |one| format!(": {}", one.shown()));
            let found = format!("something that is no gateway listens on {address}{who}");
            let advice = format!("stop it (`ss -ltnp 'sport = :{}'` shows it), or {choose}", address.port());
            Finding::broken(CHECK, found, advice)
        }
        Err(error) => {
            Finding::broken(CHECK, format!("the gateway cannot listen on {address}: {}", why(&error)), choose)
        }
    }
}

async fn is_gateway(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    // Every answer of a gateway has the request's id.
    Ok(answer.starts_with("HTTP/1.1 200") && answer.to_ascii_lowercase().contains("\r\nx-request-id:"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{super::finding::State, *};

    #[test]
    fn a_socket_is_there_or_can_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("b.sock");
        assert_eq!(unix(&path).state, State::Ok);
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(unix(&path).found.contains("others may use"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(unix(&path).state, State::Ok);
        drop(listener);
        assert_eq!(unix(&path).state, State::Note);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(unix(&path).found.ends_with("is no socket"));
    }

    #[tokio::test]
    async fn a_port_is_free_or_has_a_gateway() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        let taken = port(address, "choose another").await;
        assert_eq!(taken.state, State::Broken);
        assert!(taken.advice.unwrap().contains("ss -ltnp"));
        server.join().unwrap();
        assert_eq!(port(address, "").await.state, State::Ok);
    }
}
