//! Events that are protobuf messages: `sky` writes them as JSON.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
};

use greeter::contract::{FILE_DESCRIPTOR_SET, HelloStreamRequest};
use skyloom::{Codec, TopicName, prelude::*};

use crate::ground::{Ground, until};

/// What was heard.
type Heard = Arc<Mutex<Vec<(String, u32)>>>;

/// Written code first, with a message of somebody's contract.
#[derive(Clone, Default)]
struct Doorbell(Heard);

#[derive(Serialize, Deserialize)]
struct Ring {
    times: u32,
}

#[service(version = 1, descriptors = FILE_DESCRIPTOR_SET)]
impl Doorbell {
    #[event("door.rung")]
    async fn rung(&self, event: HelloStreamRequest) -> Result<()> {
        if event.name.is_empty() {
            return Err(Status::failed_precondition("nobody is there"));
        }
        self.0.lock().map_err(|_| Status::internal("poisoned"))?.push((event.name, event.times));
        Ok(())
    }

    #[event("door.opened")]
    async fn opened(&self, Json(ring): Json<Ring>) -> Result<()> {
        self.0.lock().map_err(|_| Status::internal("poisoned"))?.push(("opened".to_owned(), ring.times));
        Ok(())
    }

    /// Its own messages are JSON.
    #[handler]
    async fn ring(&self, Json(ring): Json<Ring>) -> Result<Json<Ring>> {
        Ok(Json(ring))
    }
}

#[tokio::test]
async fn an_event_in_protobuf_is_written_as_json_or_by_its_fields() {
    let ground = Ground::new().await;
    let doorbell = Doorbell::default();
    let app = App::with_settings(Settings::default()).serve(doorbell.clone());
    let _running = app.start(&ground.connection().await).await.unwrap();
    let heard = || std::mem::take(&mut *doorbell.0.lock().unwrap());
    let hears = async |name: &str, times: u32| {
        let mut all = Vec::new();
        until("the event", || {
            all.extend(heard());
            !all.is_empty()
        })
        .await;
        assert_eq!(all, [(name.to_owned(), times)]);
    };
    ground.ok(&["publish", "door.rung", "name=Ada", "times=2"]).await;
    hears("Ada", 2).await;
    ground.ok(&["publish", "door.rung", r#"{"name": "Bo"}"#]).await;
    hears("Bo", 0).await;
    // As a program publishes it.
    let client = ground.connection().await.client();
    let event = HelloStreamRequest { name: "Cy".to_owned(), times: 3, ..HelloStreamRequest::default() };
    client.publish(&TopicName::new("door.rung").unwrap(), event).await.unwrap();
    hears("Cy", 3).await;
    let said = ground.sky(&["publish", "door.rung", "nam=Ada"]).await;
    let expected = "there is no field \"nam\"; did you mean \"name\"? \
                    door.rung takes name (string), times (whole number), pauseMs (whole number)";
    assert_eq!(said.sentence(2), expected);

    // What of the same service is JSON stays so.
    ground.ok(&["publish", "door.opened", "times=4"]).await;
    hears("opened", 4).await;
    assert_eq!(ground.ok(&["call", "doorbell.v1/Ring", "times=5"]).await.out, "{\"times\":5}\n");
}

#[tokio::test]
async fn an_event_in_protobuf_is_shown_as_json_where_a_contract_describes_it() {
    let ground = Ground::new().await;
    let app = App::with_settings(Settings::default()).serve(Doorbell::default());
    let _running = app.start(&ground.connection().await).await.unwrap();
    let client = ground.connection().await.client();
    let event = |name: &str| HelloStreamRequest { name: name.to_owned(), times: 3, ..HelloStreamRequest::default() };
    for (topic, expected) in [
        ("door.rung", "{\"name\":\"Cy\",\"times\":3,\"pauseMs\":0}\n"),
        // Its listeners take it for JSON, and nobody listens to the last one.
        ("door.opened", "<6 bytes that are no JSON>\n"),
        ("door.painted", "<6 bytes that are no JSON>\n"),
    ] {
        let mut sky = ground.command(&["listen", topic, "--count", "2"]);
        let mut sky = sky.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(sky.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, format!("sky: listening to {topic}\n"));
        let topic = TopicName::new(topic).unwrap();
        client.publish(&topic, event("Cy")).await.unwrap();
        // A line is an event, however it is written.
        client.publish_encoded(&topic, Codec::Json, "{\n  \"name\": \"Cy\"\n}\n".into()).await.unwrap();
        let output = tokio::task::spawn_blocking(move || sky.wait_with_output().unwrap()).await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}{{   \"name\": \"Cy\" }}\n"));
    }

    // What nobody could use is shown likewise.
    client.publish(&TopicName::new("door.rung").unwrap(), event("")).await.unwrap();
    let mut letter = serde_json::Value::Null;
    until("the dead letter", || {
        let listed = ground.command(&["dead", "list", "--json"]).output().unwrap();
        let letters: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
        let found = letters.into_iter().find(|letter| letter["reason"].as_str().unwrap().contains("nobody is there"));
        letter = found.unwrap_or_default();
        !letter.is_null()
    })
    .await;
    let (channel, number) = (letter["channel"].as_str().unwrap(), letter["number"].to_string());
    let shown = ground.ok(&["dead", "show", channel, &number]).await;
    assert!(shown.out.contains("payload   {\"name\":\"\",\"pauseMs\":0,\"times\":3}\n"), "{shown:?}");
}
