//! The audit.

use std::sync::{Arc, Mutex, PoisonError};

use skyloom::prelude::*;
use tokio::sync::broadcast;

use crate::book::Book;

/// How many visits a slow reader of the tail may be behind before it misses some.
const TAIL_BACKLOG: usize = 1_024;

/// Somebody followed a link: the event `links.visited`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visited {
    /// The short code.
    pub code: String,
    /// Where it led.
    pub url: String,
}

/// What to count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CountsRequest {
    /// How many links to list; 20 if not given.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// How often links were followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All visits that this instance has heard of.
    pub total: u64,
    /// The links that were followed most.
    pub links: Vec<Count>,
}

/// How often one link was followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The short code.
    pub code: String,
    /// How often.
    pub visits: u64,
}

/// Which visits to tell.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TailRequest {
    /// Only those of this link.
    #[serde(default)]
    pub code: Option<String>,
}

/// Counts who follows which link, and tells as it happens.
#[derive(Clone, Debug)]
pub struct Audit {
    book: Arc<Mutex<Book>>,
    visits: broadcast::Sender<Visited>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { book: Arc::default(), visits: broadcast::Sender::new(TAIL_BACKLOG) }
    }
}

#[service(version = 1)]
impl Audit {
    /// Counts a visit.
    #[event("links.visited", group = "audit")]
    async fn visited(&self, Json(visit): Json<Visited>) -> Result<()> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).add(&visit.code);
        // An error means that nobody reads the tail at the moment.
        let _ = self.visits.send(visit);
        Ok(())
    }

    /// The links that were followed most.
    #[handler(get = "/v1/audit", idempotent)]
    async fn counts(&self, Json(request): Json<CountsRequest>) -> Result<Json<Counts>> {
        let limit = usize::try_from(request.limit.unwrap_or(20)).unwrap_or(usize::MAX);
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(code, visits): (&str, u64)| Count { code: code.to_owned(), visits };
        Ok(Json(Counts { total: book.total(), links: book.most(limit).into_iter().map(count).collect() }))
    }

    /// Visits as they happen, until the caller goes away.
    #[handler(get = "/v1/audit/tail")]
    async fn tail(&self, Json(request): Json<TailRequest>) -> Result<Streaming<Json<Visited>>> {
        let mut visits = self.visits.subscribe();
        let (sender, tail) = Streaming::channel(16);
        tokio::spawn(async move {
            loop {
                let visit = tokio::select! {
                    visit = visits.recv() => visit,
                    () = sender.closed() => return,
                };
                match visit {
                    Ok(visit) if request.code.as_ref().is_some_and(|code| *code != visit.code) => {}
                    Ok(visit) => {
                        if sender.send(Json(visit)).await.is_err() {
                            return;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        let message = format!("the reader was too slow and missed {missed} visits; read on from here");
                        return sender.fail(Status::data_loss(message)).await;
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
        Ok(tail)
    }
}
