//! What an instance answers about itself is what `docs/wire.md` says to those who write one in another language.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use skyloom::{
    Channel, Codec, Connection,
    client::Request,
    prelude::*,
    worker::{LogAnswer, LogRequest, Server},
};

const DOCUMENT: &str = include_str!("../../../docs/wire.md");

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, Json(name): Json<String>) -> Result<Json<String>> {
        Ok(Json(name))
    }
}

/// The first object in the document's text that comes after this.
fn documented(after: &str) -> Value {
    let text = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = text.split_once(after).unwrap_or_else(|| panic!("docs/wire.md does not say {after:?}"));
    let object = &rest[rest.find('{').unwrap()..];
    serde_json::from_str(&object[..=object.find("}`").unwrap()].replace('…', "0")).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_instance_answers_what_is_documented() {
    let connection = Connection::memory();
    let control = |request: &LogRequest| {
        let now = request.filter.clone().unwrap_or_else(|| "info".to_owned());
        Ok(LogAnswer { before: "info".to_owned(), now })
    };
    let server = Server::new(Arc::clone(&connection.broker)).serve(Greeter).log_control(Arc::new(control));
    let running = server.start().await.unwrap();
    assert_eq!(GreeterClient::new(connection.client()).hello(Json("Ada".to_owned())).await.unwrap().0, "Ada");
    let ask = async |method: &'static str, message: String| {
        let channel = Channel::Instance(running.instance());
        let answer =
            connection.client().call(Request::new(channel, method, Codec::Json, message.into())).await.unwrap();
        serde_json::from_slice::<Value>(&answer.payload).unwrap()
    };
    let stats = ask("Stats", String::new()).await;
    assert_eq!(keys(&stats["methods"][0]), keys(&documented("of each method")));
    assert_eq!(stats["methods"][0]["name"], documented("of each method")["name"]);
    assert_eq!(keys(&stats), keys(&documented("`Stats` with")));
    assert_eq!(keys(&ask("Ping", String::new()).await), keys(&documented("It answers `Ping` with")));
    let logs = documented("`Log` (");
    assert_eq!(ask("Log", logs.to_string()).await["now"], logs["filter"]);
    assert_eq!(keys(&ask("Log", String::new()).await), keys(&documented("and `Log` with")));
    assert_eq!(ask("Drain", String::new()).await, documented("`Drain` with"));
}
