//! Load on a cluster while its processes are replaced.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use skyloom::{Channel, Codec, QueueName, client::Request};

use crate::site::Cluster;

/// Requests without end, and what became of them.
#[derive(Clone, Default)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    pub(crate) answered: Arc<AtomicU64>,
    pub(crate) failed: Arc<Mutex<Vec<String>>>,
    pub(crate) seen: Arc<Mutex<BTreeSet<String>>>,
}

/// Ends the load however the test ends.
pub(crate) struct Stop(pub(crate) Load);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

impl Load {
    fn note(&self, result: Result<(), String>) {
        match result {
            Ok(()) => drop(self.answered.fetch_add(1, Ordering::SeqCst)),
            Err(why) => self.failed.lock().unwrap().push(why),
        }
    }

    /// A request by REST; the word of the greeting is noted.
    fn greet(&self, port: u16) -> Result<(), String> {
        let answer = ask(port, "GET /v1/hello/Ada HTTP/1.1\r\n", "")?;
        let text = answer.split_once(r#"{"text":""#).and_then(|(_, rest)| rest.split_once(", Ada!"));
        let (word, _) = text.ok_or_else(|| answer.clone())?;
        self.seen.lock().unwrap().insert(word.to_owned());
        Ok(())
    }

    /// A long one, so that one is in flight whenever the gateway is replaced.
    fn doze(&self, port: u16) -> Result<(), String> {
        let head = "POST /greeter.v1.Greeter/Doze HTTP/1.1\r\nContent-Type: application/json\r\n";
        let answer = ask(port, head, r#"{"ms":150}"#)?;
        if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(answer) }
    }

    pub(crate) fn start(&self, cluster: &Cluster) -> Vec<tokio::task::JoinHandle<()>> {
        let port = cluster.port;
        let by_rest = (0..4).map(|number| {
            let load = self.clone();
            tokio::task::spawn_blocking(move || {
                while !load.stop.load(Ordering::SeqCst) {
                    let result = if number < 3 { load.greet(port) } else { load.doze(port) };
                    load.note(result);
                    std::thread::sleep(Duration::from_millis(2));
                }
            })
        });
        // Long ones, so that some are in flight whenever the service is replaced.
        let by_queue = (0..4).map(|number| {
            let (load, url) = (self.clone(), cluster.url());
            tokio::spawn(async move {
                let connection = skyloom::connect(&url).await.unwrap();
                let queue = Channel::Queue(QueueName::new("greeter.v1").unwrap());
                while !load.stop.load(Ordering::SeqCst) {
                    let body = format!("{{\"ms\":{}}}", 150 + 40 * number);
                    let request = Request::new(queue.clone(), "Doze", Codec::Json, body.into());
                    let result = connection.client().call(request).await;
                    load.note(result.map(drop).map_err(|status| status.to_string()));
                }
                connection.close().await;
            })
        });
        by_rest.chain(by_queue).collect()
    }
}

/// A request on a connection of its own, and what comes back.
fn ask(port: u16, head: &str, body: &str) -> Result<String, String> {
    let ask = || {
        let (mut stream, mut answer) = (TcpStream::connect(("127.0.0.1", port))?, String::new());
        let length = body.len();
        write!(stream, "{head}Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")?;
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().map_err(|error: std::io::Error| error.to_string())
}
