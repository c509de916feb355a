//! What is in a cluster's way, found before anything is started.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use skyloom::embedded::Address;

use super::plan::{Embedded, Plan};
use crate::{failure::Failure, listener::listener, text::why};

/// How long a broker on this host may take to accept a connection.
const LOOK: Duration = Duration::from_millis(500);

/// Checks that the gateway's port is free, and that the broker's place is free, or taken by the
/// broker that the cluster is to use.
///
/// # Errors
/// The first obstacle, and how to get it out of the way.
pub(super) fn check(plan: &Plan) -> Result<(), Failure> {
    // Whoever starts a cluster twice is told of the cluster, and not of its gateway's port.
    if let Some(embedded) = &plan.embedded {
        check_broker(embedded)?;
    }
    if let Some(address) = plan.gateway {
        drop(listen(address)?);
    }
    Ok(())
}

/// What is in the way by now of a process that has ended, if it is the broker: another may have come to its place since
/// [`check`], such as that of the same cluster, started twice at once.
pub(super) fn has_come(plan: &Plan, process: &str) -> Option<Failure> {
    let embedded = plan.embedded.as_ref().filter(|embedded| embedded.hosted && embedded.name == process)?;
    check_broker(embedded).err()
}

fn check_broker(Embedded { address, hosted, name }: &Embedded) -> Result<(), Failure> {
    match (hosted, answers(address)) {
        (true, true) => Err(Failure::failed(format!(
            "a broker is already running on {address}: end the cluster that it belongs to, give this one another place \
             with listen in [broker] or with --{name}, or take [broker] out of the file to use the one that runs"
        ))),
        (false, false) => Err(Failure::failed(format!(
            "no {name} at {address}: start one with `sky broker --listen {address}`, or add [broker] to the cluster file"
        ))),
        _ => Ok(()),
    }
}

/// Listens for the gateway.
///
/// # Errors
/// If the port is taken, or the system refuses.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let (port, ip) = (address.port(), address.ip());
    TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let who = listener(address).map_or_else(String::new, |one| format!(" by {}", one.shown()));
            Failure::failed(format!(
                "port {port} of {ip} is taken{who}: end what listens there, or choose another with --port"
            ))
        }
        _ => Failure::failed(format!("the gateway cannot listen on {address}: {}", why(&error))),
    })
}

fn answers(address: &Address) -> bool {
    match address {
        Address::Unix(path) => UnixStream::connect(path).is_ok(),
        Address::Tcp(address) => TcpStream::connect_timeout(address, LOOK).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn each_obstacle_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let broker: Address = format!("unix:{}", socket.display()).parse().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let gateway = Some(taken.local_addr().unwrap());
        let mut plan = Plan {
            endpoints: skyloom::Endpoints::new(broker.to_string()),
            embedded: Some(Embedded { address: broker, hosted: true, name: "broker" }),
            gateway,
            parts: Vec::new(),
        };
        let host = |plan: &mut Plan, hosted| plan.embedded.as_mut().unwrap().hosted = hosted;
        let said = |plan: &Plan| check(plan).unwrap_err().to_string();
        let port = taken.local_addr().unwrap().port();
        let sentence = said(&plan);
        assert!(sentence.starts_with(&format!("port {port} of 127.0.0.1 is taken by ")), "{sentence}");
        drop(taken);
        check(&plan).unwrap();
        host(&mut plan, false);
        assert!(said(&plan).starts_with(&format!("no broker at unix:{}: ", socket.display())));
        let _listener = UnixListener::bind(&socket).unwrap();
        check(&plan).unwrap();
        host(&mut plan, true);
        assert!(said(&plan).starts_with("a broker is already running on unix:"));
        let come = |name| has_come(&plan, name).map(|failure| failure.to_string());
        assert_eq!(come("broker"), Some(said(&plan)));
        assert_eq!(come("gateway"), None);
    }
}
