//! What is in a cluster's way, found before anything is started.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use skyloom::embedded::Address;

use super::plan::Plan;
use crate::failure::Failure;

/// How long a broker on this host may take to accept a connection.
const LOOK: Duration = Duration::from_millis(500);

/// Checks that the gateway's port is free, and that the broker's place is free, or taken by the
/// broker that the cluster is to use.
///
/// # Errors
/// The first obstacle, and how to get it out of the way.
pub(super) fn check(plan: &Plan) -> Result<(), Failure> {
    if let Some(address) = plan.gateway {
        check_port(address)?;
    }
    let address = &plan.broker;
    match (plan.embedded, answers(address)) {
        (true, true) => Err(Failure::failed(format!(
            "a broker is already running on {address}: stop it or the cluster that it belongs to, choose another place \
             with --broker, or take [broker] out of the file to use it"
        ))),
        (false, false) => Err(Failure::failed(format!(
            "no broker at {address}: start one with `sky broker`, or add [broker] to the cluster file"
        ))),
        _ => Ok(()),
    }
}

fn check_port(address: SocketAddr) -> Result<(), Failure> {
    let (port, ip) = (address.port(), address.ip());
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Failure::failed(format!(
            "port {port} of {ip} is taken: stop what listens there, or choose another with --port"
        ))),
        Err(error) => Err(Failure::failed(format!("the gateway cannot listen on {address}: {error}"))),
    }
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
        let mut plan = Plan { broker, embedded: true, gateway, parts: Vec::new() };
        let said = |plan: &Plan| check(plan).unwrap_err().to_string();
        let port = taken.local_addr().unwrap().port();
        assert!(said(&plan).starts_with(&format!("port {port} of 127.0.0.1 is taken: ")));
        drop(taken);
        check(&plan).unwrap();
        plan.embedded = false;
        assert!(said(&plan).starts_with(&format!("no broker at unix:{}: ", socket.display())));
        let _listener = UnixListener::bind(&socket).unwrap();
        check(&plan).unwrap();
        plan.embedded = true;
        assert!(said(&plan).starts_with("a broker is already running on unix:"));
    }
}
