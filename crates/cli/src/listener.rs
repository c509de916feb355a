//! Which processes listen on a port, as far as the system tells: Linux does, about processes of one's own.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

/// The state of a listening socket in `/proc/net/tcp`; TCP_LISTEN of the kernel's `tcp_states.h`.
const LISTEN: &str = "0A";

/// A process that has a listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Its process id.
    pid: u32,
    /// Its command line.
    words: Vec<String>,
}

impl Listener {
    /// The name of its program.
    fn program(&self) -> &str {
        let path = self.words.first().map(Path::new);
        path.and_then(|path| path.file_name()?.to_str()).unwrap_or("?")
    }

    /// What it is called for people, with its process id.
    pub(crate) fn shown(&self) -> String {
        let name = self.holds().map_or_else(|| self.program().to_owned(), |command| format!("`sky {command}`"));
        format!("{name} (pid {})", self.pid)
    }

    /// The command of `sky` that holds a socket for a gateway, if it is one.
    pub(crate) fn holds(&self) -> Option<&str> {
        let command = self.words.iter().find(|word| ["up", "hold"].contains(&word.as_str()))?;
        (self.program() == "sky").then_some(command)
    }
}

/// The process that listens on an address; of several, the one that holds the socket for the others.
pub(crate) fn listener(address: SocketAddr) -> Option<Listener> {
    first(listeners(address))
}

/// The one to name: who holds a socket for others would start them anew.
fn first(mut all: Vec<Listener>) -> Option<Listener> {
    let holder = all.iter().position(|one| one.holds().is_some()).unwrap_or_default();
    (!all.is_empty()).then(|| all.swap_remove(holder))
}

/// The processes that listen on an address.
fn listeners(address: SocketAddr) -> Vec<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> = tables.iter().flat_map(|table| inodes(table, address)).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| has_one(*pid, &sockets)).map(|pid| Listener { pid, words: words(pid) }).collect()
}

/// The sockets, as links in `/proc/PID/fd` name them, that listen on an address by a table of the kernel's.
fn inodes(table: &str, address: SocketAddr) -> Vec<String> {
    let inode = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        let (ip, port) = local.rsplit_once(':')?;
        let is_it = state == LISTEN && u16::from_str_radix(port, 16).ok()? == address.port() && is_on(ip, address.ip());
        is_it.then(|| fields.nth(5).map(|inode| format!("socket:[{inode}]")))?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

/// Whether an address of the table is this one, or all there are. One of IPv6 is taken to be.
fn is_on(hex: &str, ip: IpAddr) -> bool {
    match (hex.len(), u32::from_str_radix(hex, 16)) {
        (8, Ok(bits)) => {
            let listening = Ipv4Addr::from(bits.to_ne_bytes());
            listening.is_unspecified() || ip == listening
        }
        _ => true,
    }
}

fn has_one(pid: u32, sockets: &[String]) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|to| sockets.iter().any(|one| Path::new(one) == to))
}

fn words(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_listens_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pids: Vec<u32> = listeners(address).iter().map(|listener| listener.pid).collect();
        // Another test may be starting a process, which has our files until it runs.
        assert!(pids.contains(&std::process::id()), "{pids:?}");
        assert_eq!(listeners(SocketAddr::from(([127, 0, 0, 2], address.port()))), []);
    }

    fn of(pid: u32, line: &str) -> Listener {
        Listener { pid, words: line.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn of_several_the_one_that_holds_the_socket_for_the_others_is_named() {
        let shown = |all: &[Listener]| first(all.to_vec()).map(|one| one.shown());
        let (gateway, up) = (of(8, "/usr/bin/gateway --port 8080"), of(9, "/usr/bin/sky up"));
        assert_eq!(shown(&[gateway.clone(), up]).as_deref(), Some("`sky up` (pid 9)"));
        assert_eq!(shown(&[gateway, of(10, "other")]).as_deref(), Some("gateway (pid 8)"));
        assert_eq!(shown(&[]), None);
    }

    #[test]
    fn who_holds_a_socket_for_a_gateway_is_known() {
        let holds = |line: &str| of(1, line).holds().map(str::to_owned);
        assert_eq!(holds("/usr/bin/sky --broker local: up cluster.toml").as_deref(), Some("up"));
        assert_eq!(holds("sky hold --listen x -- sky gateway").as_deref(), Some("hold"));
        assert_eq!((holds("sky gateway"), holds("python3 up")), (None, None));
    }
}
