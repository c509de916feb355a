//! The shortener in a cluster, with a fake of the service that renders.

#![allow(clippy::unwrap_used, reason = "what fails to be there is a failed test")]

use links::{
    Links, Settings,
    contract::{
        LinksClient, ResolveRequest, ShortenRequest, StatsRequest,
        qr::{QrClient, RenderRequest},
    },
};
use serde_json::{Value, json};
use skyloom::prelude::*;
use skyloom_testing::{Cluster, Fault, TestCluster, topic};

const URL: &str = "https://www.rust-lang.org/learn";

/// The event, as whoever listens reads it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Visited {
    code: String,
    url: String,
}

async fn start() -> Cluster {
    let links = Links::new(Settings { base_url: "https://sky.example/".to_owned(), redis_url: None }).await.unwrap();
    TestCluster::new()
        .with(links)
        .fake(QrClient::RENDER, |request| Ok(HttpBody::new("image/png", format!("a picture of {}", request.text))))
        .start()
        .await
}

async fn shorten(cluster: &Cluster) -> String {
    let link = cluster.client::<LinksClient>().shorten(ShortenRequest { url: URL.to_owned() }).await.unwrap();
    assert_eq!(link.short_url, format!("https://sky.example/l/{}", link.code));
    link.code
}

#[tokio::test]
async fn a_visit_is_counted_and_published() {
    let cluster = start().await;
    let client = cluster.client::<LinksClient>();
    let code = shorten(&cluster).await;
    for _ in 0..2 {
        let reply = client.resolve(ResolveRequest { code: code.clone() }).await.unwrap();
        assert_eq!(reply.url, URL);
    }
    let stats = client.stats(StatsRequest { code: code.clone() }).await.unwrap();
    assert_eq!((&*stats.url, stats.visits), (URL, 2));
    let visits = cluster.events(topic::<Json<Visited>>("links.visited"));
    visits.assert_count(2).assert_all(|Json(visit)| visit == Visited { code: code.clone(), url: URL.to_owned() });
}

#[tokio::test]
async fn a_visit_that_cannot_be_published_is_no_redirect() {
    let cluster = start().await;
    let code = shorten(&cluster).await;
    let _full = cluster.fill(topic::<Json<Visited>>("links.visited"));
    cluster.http().get(format!("/l/{code}")).await.assert_status(429);
}

#[tokio::test]
async fn over_http_a_link_is_a_redirect() {
    let cluster = start().await;
    let made = cluster.http().post("/v1/links").json(&json!({ "url": URL })).await;
    let code = made.assert_status(200).json::<Value>()["code"].as_str().unwrap().to_owned();
    let response = cluster.http().get(format!("/l/{code}")).await;
    assert_eq!(response.assert_status(302).header("location"), Some(URL));
    let stats = cluster.http().get(format!("/v1/links/{code}")).await.json::<Value>();
    assert_eq!((&stats["url"], &stats["visits"]), (&json!(URL), &json!("1")));
}

#[tokio::test]
async fn an_address_in_any_script_is_a_redirect_in_ascii() {
    let cluster = start().await;
    let made = cluster.http().post("/v1/links").json(&json!({ "url": "https://münchen.example/ü" })).await;
    let link = made.assert_status(200).json::<Value>();
    let (code, url) = (link["code"].as_str().unwrap(), "https://xn--mnchen-3ya.example/%C3%BC");
    assert_eq!(link["url"], url);
    let response = cluster.http().get(format!("/l/{code}")).await;
    assert_eq!(response.assert_status(302).header("location"), Some(url));
}

#[tokio::test]
async fn what_is_no_url_or_no_code_is_said() {
    let cluster = start().await;
    for (url, reason) in [("", "url: it is missing"), ("rust", "url: \"rust\" is not a URL"), ("ftp://x/", "http://")] {
        let response = cluster.http().post("/v1/links").json(&json!({ "url": url })).await;
        let detail = response.assert_status(400).json::<Value>()["detail"].to_string();
        assert!(detail.contains(&reason.replace('"', "\\\"")), "{detail}");
    }
    for code in ["abcdefg", "../x", "x"] {
        let status =
            cluster.client::<LinksClient>().resolve(ResolveRequest { code: code.to_owned() }).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().starts_with(&format!("there is no link {code:?}")), "{status}");
    }
    cluster.events(topic::<Json<Visited>>("links.visited")).assert_none();
}

#[tokio::test]
async fn the_picture_comes_from_the_service_that_renders() {
    let cluster = start().await;
    let code = shorten(&cluster).await;
    let text = format!("https://sky.example/l/{code}");
    let response = cluster.http().get(format!("/v1/links/{code}/qr")).await;
    assert_eq!(response.assert_status(200).header("content-type"), Some("image/png"));
    assert_eq!(response.text(), format!("a picture of {text}"));
    assert_eq!(cluster.calls(QrClient::RENDER).requests(), [RenderRequest { text, scale: 0 }]);

    cluster.http().get("/v1/links/abcdefg/qr").await.assert_status(404);
    cluster.calls(QrClient::RENDER).assert_count(1);
    cluster.inject(QrClient::RENDER, Fault::Error(Status::resource_exhausted("too many pictures")));
    cluster.http().get(format!("/v1/links/{code}/qr")).await.assert_status(429);
}
