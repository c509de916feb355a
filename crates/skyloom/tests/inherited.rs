//! On whose behalf a handler's calls are made: who asks, in which trace and until when goes along by every way.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{Channel, Codec, Connection, TopicName, TraceContext, client::Request, prelude::*, worker::Running};
use tokio::time::Instant;
use tower::timeout::TimeoutLayer;

/// What a handler knows of who asks.
#[derive(Clone, Debug)]
struct Asked {
    principal: Option<String>,
    trace: Option<TraceContext>,
    header: Option<String>,
    deadline: Option<Instant>,
}

/// What the handlers have seen.
#[derive(Clone, Default)]
struct Chain(Arc<Mutex<Vec<Asked>>>);

impl Chain {
    fn note(&self, ctx: &Context) {
        let principal = ctx.principal().map(str::to_owned);
        let header = ctx.headers().get("x-way").map(str::to_owned);
        self.0.lock().unwrap().push(Asked { principal, trace: ctx.trace().cloned(), header, deadline: ctx.deadline() });
    }
}

fn done() -> TopicName {
    TopicName::new("chain.done").unwrap()
}

#[service(version = 1)]
impl Chain {
    /// Calls itself by every way that there is.
    #[handler]
    async fn every_way(&self, ctx: Context) -> Result<()> {
        self.note(&ctx);
        let client = ChainClient::new(ctx.client());
        client.called().header("X-Way", "own").await?;
        client.called().instance(ctx.instance()).await?;
        ChainClient::new(ctx.client().layer(TimeoutLayer::new(Duration::from_secs(60)))).called().await?;
        let mut numbers = client.streamed().await?;
        while numbers.next().await.transpose()?.is_some() {}
        let encoded = Request::new("chain.v1".parse().unwrap(), "Streamed", Codec::Json, "{}".into());
        let mut numbers = ctx.client().stream(encoded).await?;
        while numbers.next().await.transpose()?.is_some() {}
        client.called().cast(Duration::ZERO).await?;
        ctx.client().publish(&done(), Json(1)).await
    }

    /// Calls with a principal and a trace that it has from elsewhere.
    #[handler]
    async fn for_another(&self, ctx: Context) -> Result<()> {
        ctx.client().call(request("Called", "bob", &other_trace())).await.map(drop)
    }

    #[handler]
    async fn called(&self, ctx: Context) -> Result<()> {
        self.note(&ctx);
        Ok(())
    }

    #[handler]
    async fn streamed(&self, ctx: Context) -> Result<Streaming<Json<u32>>> {
        self.note(&ctx);
        Ok(Streaming::from_messages([Json(1)]))
    }

    #[event("chain.done", group = "chain")]
    async fn heard(&self, ctx: Context, _: Json<u32>) -> Result<()> {
        self.note(&ctx);
        Ok(())
    }
}

fn trace() -> TraceContext {
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    text.parse::<TraceContext>().unwrap().with_state(Some("vendor=1".into()))
}

fn other_trace() -> TraceContext {
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".parse().unwrap()
}

fn request(method: &'static str, principal: &'static str, trace: &TraceContext) -> Request {
    let channel: Channel = "chain.v1".parse().unwrap();
    let mut request = Request::new(channel, method, Codec::Json, "{}".into());
    request.extras.set_principal(Some(principal.into()));
    request.extras.set_trace(Some(trace.clone()));
    request
}

async fn start() -> (Connection, Running, Chain) {
    let (connection, chain) = (Connection::memory(), Chain::default());
    let running = App::new().serve(chain.clone()).start(&connection).await.unwrap();
    (connection, running, chain)
}

#[tokio::test(start_paused = true)]
async fn who_asks_and_the_trace_go_along_by_every_way() {
    let (connection, running, chain) = start().await;
    let mut request = request("EveryWay", "ada", &trace());
    request.timeout = Some(Duration::from_secs(5));
    connection.client().call(request).await.unwrap();
    // What was cast and published is done by then.
    running.drain().await;
    let seen = chain.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 8, "{seen:#?}");
    let mut spans = BTreeSet::new();
    for asked in &seen {
        assert_eq!(asked.principal.as_deref(), Some("ada"), "{seen:#?}");
        let known = asked.trace.as_ref().unwrap();
        assert_eq!((known.trace_id, known.flags, &known.state), (trace().trace_id, 1, &trace().state));
        spans.insert(known.parent_id);
    }
    assert_eq!(seen[0].trace, Some(trace()), "what the caller sends comes as it is");
    assert_eq!(spans.len(), 8, "each call is a span of its own: {seen:#?}");
    let headers: Vec<_> = seen.iter().filter_map(|asked| asked.header.as_deref()).collect();
    assert_eq!(headers, ["own"], "a header is for one call");
    let deadlines: Vec<Instant> = seen.iter().filter_map(|asked| asked.deadline).collect();
    assert_eq!(deadlines.len(), 6, "what is cast and published has none: {seen:#?}");
    assert!(deadlines.iter().all(|inner| *inner <= deadlines[0]), "no call outlives the first: {seen:#?}");
}

#[tokio::test]
async fn what_a_request_says_itself_holds() {
    let (connection, running, chain) = start().await;
    connection.client().call(request("ForAnother", "ada", &trace())).await.unwrap();
    running.drain().await;
    let seen = chain.0.lock().unwrap().clone();
    assert_eq!((seen[0].principal.as_deref(), &seen[0].trace), (Some("bob"), &Some(other_trace())));
}
