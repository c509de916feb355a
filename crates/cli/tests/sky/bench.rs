//! `sky bench`.

use crate::ground::Ground;

#[tokio::test]
async fn a_number_of_calls_is_measured() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let say = r#"{"text":"a"}"#;
    let json = ground.ok(&["bench", "echo.v1/Say", say, "-n", "300", "-c", "8", "--json"]).await.json();
    assert_eq!(
        (&json["calls"], &json["in_flight"], &json["method"]),
        (&300.into(), &8.into(), &"echo.v1.Echo/Say".into())
    );
    assert!(json["p50_us"].as_u64() <= json["p99_us"].as_u64() && json["p99_us"].as_u64() <= json["max_us"].as_u64());
    assert!(json["per_second"].as_f64() > Some(0.0));
    let table = ground.ok(&["bench", "echo.v1/Say", say, "-n", "10"]).await;
    assert!(table.out.starts_with("echo.v1.Echo/Say, 64 in flight\nANSWERED  SECONDS  PER SECOND"), "{table:?}");
}

#[tokio::test]
async fn a_time_is_kept() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let start = tokio::time::Instant::now();
    let json = ground.ok(&["bench", "echo.v1/Say", r#"{"text":"a"}"#, "-d", "300ms", "--json"]).await.json();
    assert!(start.elapsed() >= std::time::Duration::from_millis(300));
    assert!(json["calls"].as_u64() > Some(64), "{json}");
}

#[tokio::test]
async fn errors_are_counted_by_code() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let said = ground.sky(&["bench", "echo.v1/Refuse", r#"{"text":"a"}"#, "-n", "5"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("FAILED_PRECONDITION      5  nobody may say a"), "{said:?}");
    assert_eq!(said.err, "sky: no call was answered well\n");
    let stream = ground.sky(&["bench", "echo.v1/Count"]).await;
    assert!(stream.sentence(2).contains("answers with a stream"), "{stream:?}");
}
