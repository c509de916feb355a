//! A periodic job: one process says when, and whichever worker is free does it.
//!
//! `cargo run --bin periodic`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use skyloom::{Connection, prelude::*};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

#[derive(Serialize, Deserialize)]
struct Job {
    number: u32,
}

struct Cleaner(mpsc::UnboundedSender<u32>);

#[service(version = 1)]
impl Cleaner {
    /// One at a time in each instance. It is work without a reply: if it fails it is tried again, later and
    /// later, and a worker that dies leaves it to another.
    #[handler(concurrency = 1)]
    async fn clean(&self, Json(job): Json<Job>) -> Result<()> {
        self.0.send(job.number).map_err(|_| Status::cancelled("nobody listens any more"))
    }
}

/// Says when. It waits until the broker has the job, and does not wait until it is done.
async fn schedule(cleaner: CleanerClient, jobs: u32) -> Result<()> {
    let mut ticks = interval(Duration::from_millis(20));
    // After a pause go on, rather than catch up with what was missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in 1..=jobs {
        ticks.tick().await;
        cleaner.clean(Json(Job { number })).cast(Duration::ZERO).await?;
    }
    Ok(())
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let (done, mut jobs) = mpsc::unbounded_channel();
    let one = App::new().serve(Cleaner(done.clone())).start(&connection).await?;
    let another = App::new().serve(Cleaner(done)).start(&connection).await?;

    schedule(CleanerClient::new(connection.client()), 3).await?;
    for _ in 0..3 {
        if let Some(number) = jobs.recv().await {
            println!("job {number} was done once, by one of two workers");
        }
    }
    one.drain().await;
    another.drain().await;
    Ok(())
}
