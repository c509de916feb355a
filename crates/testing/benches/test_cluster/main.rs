//! A cluster in a test's own process: start, one call, stop. It is measured with the features that a user's tests
//! have, time that can be paused included; `scripts/bench.sh` runs it.

use std::process::ExitCode;

use audit::Audit;
use greeter::{
    Greeter,
    contract::{GreeterClient, HelloRequest},
};
use qr::Qr;
use skyloom_testing::{
    TestCluster,
    figures::{Row, Target, median},
};
use tokio::{runtime::Builder, time::Instant};

/// How many clusters the figure is the median of.
const CLUSTERS: usize = 201;

fn main() -> ExitCode {
    let took = median((0..CLUSTERS).map(|_| one()).collect());
    let what = "`TestCluster` with three services: start, one call, stop".to_owned();
    let ours = format!("{took:.2} ms");
    let row = Row { what, ours, yardstick: "-".to_owned(), value: took, target: Target::AtMost(5.0, "ms") };
    row.print();
    if row.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Milliseconds that one cluster takes. Each has a runtime of its own, as each test has.
fn one() -> f64 {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let start = Instant::now();
        let cluster = TestCluster::new().with(Greeter).with(Qr).with(Audit::default()).start().await;
        let request = HelloRequest { name: "Ada".to_owned() };
        let reply = cluster.client::<GreeterClient>().hello(request).await.expect("a reply");
        assert_eq!(reply.text, "Hello, Ada!");
        cluster.stop().await;
        start.elapsed().as_secs_f64() * 1e3
    })
}
