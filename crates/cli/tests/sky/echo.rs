//! The service that the tests call: code first, with one method of each kind.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use skyloom::prelude::*;

/// What is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Say {
    /// The words.
    pub(crate) text: String,
}

/// What was said, by whom, and with which header.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The words.
    pub(crate) text: String,
    /// The process that heard them.
    pub(crate) pid: u32,
    /// The header `x-mood`.
    pub(crate) mood: Option<String>,
}

/// How long to wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wait {
    /// Milliseconds.
    pub(crate) ms: u64,
}

/// Answers with what it hears.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    /// Whether the reader of an endless stream has gone away.
    pub(crate) left: Arc<AtomicBool>,
    /// The events that were heard.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

#[service(version = 1)]
impl Echo {
    /// Says it again.
    #[handler(get = "/v1/echo/{text}", idempotent)]
    async fn say(&self, ctx: Context, Json(say): Json<Say>) -> Result<Json<Said>> {
        let mood = ctx.headers().get("x-mood").map(str::to_owned);
        Ok(Json(Said { text: say.text, pid: std::process::id(), mood }))
    }

    /// Refuses whatever is said.
    #[handler]
    async fn refuse(&self, Json(say): Json<Say>) -> Result<Json<Said>> {
        Err(Status::failed_precondition(format!("nobody may say {}", say.text)))
    }

    /// Answers late.
    #[handler]
    async fn doze(&self, Json(wait): Json<Wait>) -> Result<Json<Wait>> {
        tokio::time::sleep(Duration::from_millis(wait.ms)).await;
        Ok(Json(wait))
    }

    /// Counts until the caller goes away.
    #[handler]
    async fn count(&self) -> Result<Streaming<Json<u64>>> {
        let (sender, numbers) = Streaming::channel(1);
        let left = Arc::clone(&self.left);
        tokio::spawn(async move {
            for number in 1.. {
                if sender.send(Json(number)).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            left.store(true, Ordering::SeqCst);
        });
        Ok(numbers)
    }

    /// Remembers what is published.
    #[event("echo.shouted", group = "echo")]
    async fn shouted(&self, Json(say): Json<Say>) -> Result<()> {
        self.heard.lock().map_err(|_| Status::internal("poisoned"))?.push(say.text);
        Ok(())
    }
}
