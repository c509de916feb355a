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
use tokio::task::JoinHandle;

use crate::{ground::until, site::Cluster};

/// What became of the requests.
#[derive(Clone, Default)]
struct Record {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    failed: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<BTreeSet<String>>>,
}

/// Requests without end to a cluster; they end with this, however the test ends.
pub(crate) struct Load {
    record: Record,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.record.stop.store(true, Ordering::SeqCst);
    }
}

impl Load {
    /// Starts `sky up --watch`, and puts load on the cluster once it is ready.
    pub(crate) async fn on_watched(cluster: &mut Cluster) -> Self {
        cluster.start_and_wait(&["--watch"]).await;
        let record = Record::default();
        Self { tasks: record.start(cluster), record }
    }

    /// Waits until a greeting has begun with this word.
    pub(crate) async fn sees(&self, word: &str) {
        until(word, || self.record.seen.lock().unwrap().contains(word)).await;
    }

    /// Waits until more requests have been answered.
    pub(crate) async fn goes_on(&self) {
        let answered = self.answered();
        until("more answers", || self.answered() > answered + 20).await;
    }

    fn answered(&self) -> u64 {
        self.record.answered.load(Ordering::SeqCst)
    }

    /// Ends the load. None of its requests may have failed; how many were answered.
    pub(crate) async fn end(mut self, cluster: &Cluster) -> u64 {
        self.record.stop.store(true, Ordering::SeqCst);
        for task in std::mem::take(&mut self.tasks) {
            task.await.unwrap();
        }
        let (failed, answered) = (self.record.failed.lock().unwrap().clone(), self.answered());
        let (number, first) = (failed.len(), failed.first());
        assert!(failed.is_empty(), "{number} of {answered} failed, first with {first:?}\n{}", cluster.screen());
        answered
    }
}

impl Record {
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

    fn start(&self, cluster: &Cluster) -> Vec<JoinHandle<()>> {
        let port = cluster.port;
        let by_rest = (0..4).map(|number| {
            let record = self.clone();
            tokio::task::spawn_blocking(move || {
                while !record.stop.load(Ordering::SeqCst) {
                    let result = if number < 3 { record.greet(port) } else { record.doze(port) };
                    record.note(result);
                    std::thread::sleep(Duration::from_millis(2));
                }
            })
        });
        // Long ones, so that some are in flight whenever the service is replaced.
        let by_queue = (0..4).map(|number| {
            let (record, url) = (self.clone(), cluster.url());
            tokio::spawn(async move {
                let connection = skyloom::connect(&url).await.unwrap();
                let queue = Channel::Queue(QueueName::new("greeter.v1").unwrap());
                while !record.stop.load(Ordering::SeqCst) {
                    let body = format!("{{\"ms\":{}}}", 150 + 40 * number);
                    let request = Request::new(queue.clone(), "Doze", Codec::Json, body.into());
                    let result = connection.client().call(request).await;
                    record.note(result.map(drop).map_err(|status| status.to_string()));
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
