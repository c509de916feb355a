//! More routes than a gateway has room for.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use skyloom::{
    Guid,
    broker::BoxFuture,
    client::Client,
    contract::Contract,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Snapshot, Watch},
};
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_gateway::{Body, Gateway, GatewayOptions, routes};
use tokio::sync::watch;

/// A registry that can only be followed.
#[derive(Debug)]
struct Followed(watch::Sender<Arc<Snapshot>>);

impl Registry for Followed {
    fn register(&self, _: Instance, _: Vec<Contract>) -> BoxFuture<'_, Result<Box<dyn Registration>, RegistryError>> {
        unreachable!("nobody registers")
    }

    fn list<'a>(&'a self, _: &'a Filter) -> BoxFuture<'a, Result<Vec<Arc<Instance>>, RegistryError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn watch(&self) -> BoxFuture<'_, Result<Watch, RegistryError>> {
        Box::pin(async { Ok(self.0.subscribe()) })
    }

    fn contract<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Arc<Contract>>, RegistryError>> {
        Box::pin(async { Ok(None) })
    }

    fn forget<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, RegistryError>> {
        Box::pin(async { Ok(false) })
    }
}

fn contract(name: &str, methods: usize) -> Arc<Contract> {
    let mut text = format!("{{\"name\":\"{name}\",\"queue\":\"x.v1\",\"version\":1,\"methods\":[");
    for index in 0..methods {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}{{\"name\":\"M{index}\",\"codec\":\"json\",\"input\":\"A\",\"output\":\"B\"}}").unwrap();
    }
    Arc::new(serde_json::from_str(&(text + "]}")).unwrap())
}

/// How a call ends, without a body: its status and its sentence.
async fn call(gateway: &Gateway, path: &str) -> (u16, String) {
    let request = Request::post(path).body(Empty::<Bytes>::new()).unwrap();
    let response: http::Response<Body> = gateway.handle(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status, problem["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_service_for_which_there_is_no_room_is_left_out_alone_and_says_so() {
    let mut snapshot = Snapshot::default();
    for (name, methods) in [("a.v1.A", 1), ("b.v1.B", 65_000), ("c.v1.C", 1000), ("d.v1.D", 1)] {
        snapshot.contracts.insert(name.to_owned(), contract(name, methods));
    }
    let registry = Arc::new(Followed(watch::Sender::new(Arc::new(snapshot.clone()))));
    let client = Client::new(Arc::new(MemoryBroker::default()));
    let gateway = Gateway::new(client, registry.clone(), GatewayOptions::default());
    gateway.known().await;

    let left_out =
        "is left out: a gateway has at most 65536 routes, and those of this service are too many beside the others";
    assert_eq!(call(&gateway, "/c.v1.C/M0").await, (503, format!("c.v1.C {left_out}")));
    for path in ["/a.v1.A/M0", "/b.v1.B/M64999", "/d.v1.D/M0"] {
        let (status, sentence) = call(&gateway, path).await;
        assert!(status == 503 && sentence.ends_with("has no running instance now: try again later"), "{sentence}");
    }
    let sentence = "there is nothing at \"/v1/x\"; services that are left out because there are too many routes: 1";
    assert_eq!(call(&gateway, "/v1/x").await, (404, sentence.to_owned()));
    let grpc = Request::post("/c.v1.C/M0").version(Version::HTTP_2).header("content-type", "application/grpc");
    let answer = gateway.handle(grpc.body(Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(answer.headers()["grpc-status"], "14");
    let listed = routes(&snapshot).into_iter().filter(|row| row.problem.is_some());
    assert_eq!(listed.map(|row| row.service).collect::<std::collections::BTreeSet<_>>(), ["c.v1.C".to_owned()].into());

    // One that runs goes before those that do not.
    let services = vec![snapshot.contracts["c.v1.C"].service_ref()];
    let (host, region) = (String::new(), String::new());
    let instance = Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 };
    snapshot.instances.insert(instance.id, Arc::new(instance));
    registry.0.send_replace(Arc::new(snapshot));
    while call(&gateway, "/b.v1.B/M0").await != (503, format!("b.v1.B {left_out}")) {
        tokio::task::yield_now().await;
    }
    assert_eq!(call(&gateway, "/d.v1.D/M0").await.0, 503);
    assert_eq!(
        call(&gateway, "/c.v1.C/M1000").await,
        (404, "c.v1.C has no method \"M1000\"; did you mean \"M100\"?".into())
    );
}
