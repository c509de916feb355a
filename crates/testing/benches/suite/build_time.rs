//! How long a hello service takes to build, beside a hello world of hyper's.

use std::{fs, path::Path, process::Command};

use skyloom_testing::figures::{Row, Target, median};
use tokio::time::Instant;

/// How often each is built.
const ROUNDS: usize = 3;

const HELLO_SERVICE: &str = r##"
use skyloom::prelude::*;
#[derive(Serialize, Deserialize)] struct Hello { name: String }
#[derive(Serialize, Deserialize)] struct Greeting { text: String }
#[derive(Clone)] struct Greeter;
#[service(version = 1)]
impl Greeter {
    #[handler(get = "/v1/hello/{name}", timeout = "2s")]
    async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
    }
}
#[skyloom::main]
async fn main() -> Result<()> { skyloom::serve(Greeter).await }
"##;

const HELLO_HYPER: &str = r##"
use std::{convert::Infallible, net::SocketAddr};
use http_body_util::Full;
use hyper::{body::{Bytes, Incoming}, server::conn::http1, service::service_fn, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from("Hello, World!"))))
}
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 3000))).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(hello)).await;
        });
    }
}
"##;

fn project(directory: &Path, dependencies: &str, source: &str, lock: &Path) {
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{dependencies}"
    );
    fs::create_dir_all(directory.join("src")).expect("a directory");
    fs::write(directory.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(directory.join("src/main.rs"), source).expect("a source");
    // The same versions as here, already downloaded.
    fs::copy(lock, directory.join("Cargo.lock")).expect("a lock file");
}

fn build(directory: &Path) -> f64 {
    let target = directory.join("target");
    drop(fs::remove_dir_all(&target));
    let start = Instant::now();
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet"])
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{} builds", directory.display());
    start.elapsed().as_secs_f64()
}

pub(crate) fn rows() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace");
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, hyper) = (directory.path().join("skyloom"), directory.path().join("hyper"));
    let skyloom = format!(
        "serde = {{ version = \"1\", features = [\"derive\"] }}\nskyloom = {{ path = {:?} }}\n",
        root.join("crates/skyloom")
    );
    project(&ours, &skyloom, HELLO_SERVICE, &root.join("Cargo.lock"));
    // As hyper's own guide has it.
    let full = "hyper = { version = \"1\", features = [\"full\"] }\ntokio = { version = \"1\", features = [\"full\"] }\n\
                http-body-util = \"0.1\"\nhyper-util = { version = \"0.1\", features = [\"full\"] }\n";
    project(&hyper, full, HELLO_HYPER, &root.join("Cargo.lock"));
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (build(&ours), build(&hyper))).collect();
    let value = median(rounds.iter().map(|(ours, hyper)| ours / hyper).collect());
    let (ours, hyper): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    vec![Row {
        what: "clean release build of a hello service : of a hyper hello world".to_owned(),
        ours: format!("{:.1} s", median(ours)),
        yardstick: format!("{:.1} s", median(hyper)),
        value,
        target: Target::AtMost(3.0, "x"),
    }]
}
