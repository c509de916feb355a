//! The audit in a cluster: it counts the events that it hears.

use audit::{Audit, AuditClient, Count, Counts, CountsRequest, TailRequest, Visited};
use serde_json::json;
use skyloom::prelude::*;
use skyloom_testing::{Cluster, Fault, TestCluster, Topic, topic};

fn visits() -> Topic<Json<Visited>> {
    topic("links.visited")
}

async fn visit(cluster: &Cluster, code: &str) {
    let visited = Visited { code: code.to_owned(), url: format!("https://{code}.example/") };
    cluster.publish(&visits(), Json(visited)).await.unwrap();
}

fn count(code: &str, visits: u64) -> Count {
    Count { code: code.to_owned(), visits }
}

#[tokio::test]
async fn visits_are_counted_by_link() {
    let cluster = TestCluster::new().with(Audit::default()).start().await;
    for code in ["b", "a", "b"] {
        visit(&cluster, code).await;
    }
    cluster.idle().await;
    let Json(counts) = cluster.client::<AuditClient>().counts(Json(CountsRequest::default())).await.unwrap();
    assert_eq!(counts, Counts { total: 3, links: vec![count("b", 2), count("a", 1)] });
    let response = cluster.http().get("/v1/audit?limit=1").await;
    assert_eq!(response.json::<Counts>(), Counts { total: 3, links: vec![count("b", 2)] });
}

#[tokio::test]
async fn instances_share_the_visits() {
    let cluster = TestCluster::new().with(Audit::default()).with(Audit::default()).start().await;
    for _ in 0..20 {
        visit(&cluster, "a").await;
    }
    cluster.idle().await;
    assert!(cluster.events(visits()).iter().all(|visit| visit.attempts() == 1), "one of the two has it");
}

#[tokio::test]
async fn a_visit_survives_the_worker_that_had_it() {
    let cluster = TestCluster::new().with(Audit::default()).start().await;
    let mut hold = cluster.hold(visits());
    visit(&cluster, "a").await;
    let held = hold.next().await;
    cluster.add(Audit::default()).await;
    held.lose_worker();
    drop(hold);
    cluster.idle().await;
    let Json(counts) = cluster.client::<AuditClient>().counts(Json(CountsRequest::default())).await.unwrap();
    assert_eq!(counts.links, [count("a", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_visit_is_tried_again_after_a_failure() {
    let cluster = TestCluster::new().with(Audit::default()).start().await;
    cluster.inject(visits(), Fault::Error(Status::unavailable("the book is closed")));
    let mut counted = cluster.hook(visits());
    visit(&cluster, "a").await;
    assert_eq!(counted.next_success().await.attempts(), 2);
    cluster.dead_letters(visits()).await.assert_none();
}

#[tokio::test]
async fn the_tail_tells_visits_as_they_happen() {
    let cluster = TestCluster::new().with(Audit::default()).start().await;
    let request = Json(TailRequest { code: Some("a".to_owned()) });
    let mut tail = cluster.client::<AuditClient>().tail(request).await.unwrap();
    let mut lines = cluster.http().get("/v1/audit/tail").stream().await;
    for code in ["b", "a"] {
        visit(&cluster, code).await;
        assert_eq!(lines.next().await, Some(json!({ "code": code, "url": format!("https://{code}.example/") })));
    }
    assert_eq!(tail.next().await.unwrap().unwrap().0.code, "a");
    drop((tail, lines));
    cluster.idle().await;
}
