//! A stream: a handler that answers with many messages, and a caller that has had enough.
//!
//! `cargo run --bin stream`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{sync::Arc, time::Duration};

use skyloom::{Connection, prelude::*};
use tokio::sync::Notify;

#[derive(Serialize, Deserialize)]
struct Tick {
    number: u32,
}

#[derive(Default)]
struct Clock {
    stopped: Arc<Notify>,
}

#[service(version = 1)]
impl Clock {
    /// Ticks for as long as somebody listens.
    #[handler(get = "/v1/ticks")]
    async fn ticks(&self) -> Result<Streaming<Json<Tick>>> {
        // The sender waits while 16 messages are on their way, so a slow reader slows this down.
        let (sender, ticks) = Streaming::channel(16);
        let stopped = Arc::clone(&self.stopped);
        tokio::spawn(async move {
            for number in 1.. {
                // Sending fails when the caller is gone: there is no other sign to look for.
                if sender.send(Json(Tick { number })).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stopped.notify_one();
        });
        Ok(ticks)
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let clock = Clock::default();
    let stopped = Arc::clone(&clock.stopped);
    let running = App::new().serve(clock).start(&connection).await?;

    let mut ticks = ClockClient::new(connection.client()).ticks().await?;
    while let Some(tick) = ticks.next().await {
        let Json(tick) = tick?;
        println!("tick {}", tick.number);
        if tick.number == 3 {
            break;
        }
    }
    drop(ticks); // tells the worker to stop
    stopped.notified().await;
    println!("the worker has stopped");

    running.drain().await;
    Ok(())
}
