//! A service that misbehaves on request, for tests over real processes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use skyloom::prelude::*;

/// What the handler is to do.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    #[serde(default)]
    millis: u64,
}

/// What the handler has done.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    attempt: u32,
    pid: u32,
    runs: u64,
}

/// How often this process has run a handler.
static RUNS: AtomicU64 = AtomicU64::new(0);

fn report(ctx: &Context) -> Json<Report> {
    let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
    Json(Report { attempt: ctx.attempt(), pid: std::process::id(), runs })
}

struct Faulty;

#[service(version = 1)]
impl Faulty {
    /// Takes its time without giving up the thread's turn to others.
    #[handler]
    async fn slow(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Report>> {
        tokio::time::sleep(Duration::from_millis(order.millis)).await;
        Ok(report(&ctx))
    }

    /// Blocks the thread at the first attempt, as no handler should, and takes no time at any other.
    #[handler]
    async fn block(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Report>> {
        if ctx.attempt() == 1 {
            std::thread::sleep(Duration::from_millis(order.millis));
        }
        Ok(report(&ctx))
    }

    /// Says that it has begun, and takes its time at the first attempt only.
    #[handler]
    async fn hold(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Report>> {
        eprintln!("attempt {} is executed", ctx.attempt());
        if ctx.attempt() == 1 {
            tokio::time::sleep(Duration::from_millis(order.millis)).await;
        }
        Ok(report(&ctx))
    }

    /// Blocks a thread beside the event loop, and does not wait for it.
    #[handler]
    async fn block_beside(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Report>> {
        drop(tokio::task::spawn_blocking(move || std::thread::sleep(Duration::from_millis(order.millis))));
        Ok(report(&ctx))
    }

    /// Panics each time.
    #[handler]
    async fn panic(&self, Json(_order): Json<Order>) -> Result<Json<Report>> {
        panic!("told to panic")
    }

    /// Ends its whole process each time.
    #[handler]
    async fn abort(&self, Json(_order): Json<Order>) -> Result<Json<Report>> {
        std::process::abort()
    }

    /// Runs at most once, and ends its process while it does.
    #[handler(once)]
    async fn abort_once(&self, Json(_order): Json<Order>) -> Result<Json<Report>> {
        std::process::abort()
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(Faulty).await
}
