//! `sky routes`.

use skyloom::{App, Settings, prelude::*};

use crate::ground::Ground;

#[derive(Serialize, Deserialize)]
struct Claim {
    word: String,
}

/// Claims a route that the tests' service has.
#[derive(Clone)]
struct Rival;

#[service(version = 1)]
impl Rival {
    /// Claims it.
    #[handler(get = "/v1/echo/{word}")]
    async fn claim(&self, claim: Json<Claim>) -> Result<Json<bool>> {
        Ok(Json(claim.0.word.is_empty()))
    }

    /// Has one of its own, and streams.
    #[handler(post = "/v1/rival")]
    async fn flow(&self) -> Result<Streaming<Json<u64>>> {
        let (_sender, numbers) = Streaming::channel(1);
        Ok(numbers)
    }
}

#[tokio::test]
async fn what_the_gateway_serves_is_listed_with_its_service() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let shown = ground.ok(&["routes"]).await.out;
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["METHOD", "PATH", "SERVICE/METHOD", "STREAM", "INSTANCES", "PROBLEM"]);
    assert!(lines.contains(&vec!["GET", "/v1/echo/{text}", "echo.v1.Echo/Say", "-", "1", "-"]), "{shown}");
    assert!(lines.contains(&vec!["POST", "/echo.v1.Echo/Count", "echo.v1.Echo/Count", "yes", "1", "-"]), "{shown}");
    let none = ground.sky(&["routes", "ecko.v1"]).await;
    assert_eq!(none.sentence(1), "no service \"ecko.v1\" is registered; did you mean echo.v1?");

    running.drain().await;
    let idle = ground.ok(&["routes", "echo.v1"]).await;
    assert!(idle.err.contains("a service without an instance answers 503"), "{idle:?}");
}

#[tokio::test]
async fn a_route_that_two_claim_is_shown_with_who_has_it() {
    let (ground, _echo, running) = Ground::with_echo().await;
    let app = App::with_settings(Settings::default()).serve(Rival);
    let _rival = app.start(&ground.connection().await).await.unwrap();
    let said = ground.sky(&["routes", "--json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("a route is not served; PROBLEM says why"), "{said:?}");
    let rows = said.json();
    let row = |path: &str| rows.as_array().unwrap().iter().find(|row| row["path"] == path).cloned().unwrap();
    assert_eq!(row("/v1/echo/{word}")["problem"], "echo.v1.Echo/Say has this route already");
    assert_eq!(row("/v1/echo/{text}").get("problem"), None);
    let flow = row("/v1/rival");
    assert_eq!((&flow["verb"], &flow["streaming"], &flow["instances"]), (&"POST".into(), &true.into(), &1.into()));

    // One that does not run may be gone for good, and is in nobody's way.
    running.drain().await;
    let rows = ground.ok(&["routes", "--json"]).await.json();
    let row = |path: &str| rows.as_array().unwrap().iter().find(|row| row["path"] == path).cloned().unwrap();
    assert_eq!(row("/v1/echo/{word}").get("problem"), None);
    assert_eq!(row("/v1/echo/{text}")["problem"], "rival.v1.Rival/Claim has this route already");
}
