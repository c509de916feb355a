//! A wire that can be cut.

use std::path::Path;

use skyloom_broker::door::Address;
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

/// Passes everything on to a broker, until it is cut.
pub(crate) struct Proxy {
    address: Address,
    to: Address,
    task: JoinHandle<()>,
}

fn path(address: &Address) -> &Path {
    match address {
        Address::Unix(path) => path,
        other => panic!("the tests use Unix sockets, not {other}"),
    }
}

impl Proxy {
    pub(crate) fn start(to: &Address) -> Self {
        let mut name = path(to).as_os_str().to_owned();
        name.push(".proxy");
        let address = Address::Unix(name.into());
        let task = tokio::spawn(pass_on(address.clone(), to.clone()));
        Self { address, to: to.clone(), task }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Cuts every connection; new ones are refused until [`Proxy::mend`].
    pub(crate) async fn cut(&mut self) {
        self.task.abort();
        // An error is how it ends.
        drop((&mut self.task).await);
        std::fs::remove_file(path(&self.address)).expect("the proxy's socket is there");
    }

    pub(crate) fn mend(&mut self) {
        self.task = tokio::spawn(pass_on(self.address.clone(), self.to.clone()));
    }
}

async fn pass_on(from: Address, to: Address) {
    let listener = UnixListener::bind(path(&from)).expect("the proxy can listen");
    let mut connections = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.expect("the proxy can accept");
        let to = to.clone();
        connections.spawn(async move {
            let mut far = UnixStream::connect(path(&to)).await.expect("the broker is there");
            // Either end may close.
            drop(copy_bidirectional(&mut near, &mut far).await);
        });
    }
}
