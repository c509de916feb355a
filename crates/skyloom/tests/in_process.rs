//! The README's service, in one process.

use skyloom::{Code, Connection, Ledger, prelude::*};

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    text: String,
}

#[derive(Clone)]
struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler(get = "/v1/hello/{name}", timeout = "2s")]
    async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
    }

    #[handler]
    async fn fail(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Err(Status::failed_precondition(format!("{} is not ready", hello.name)))
    }

    /// Asks itself.
    #[handler]
    async fn ask(&self, ctx: Context, hello: Json<Hello>) -> Result<Json<Greeting>> {
        GreeterClient::new(ctx.client()).hello(hello).await
    }

    #[handler]
    async fn letters(&self, Json(hello): Json<Hello>) -> Result<Streaming<Json<Greeting>>> {
        let letters: Vec<_> = hello.name.chars().map(|letter| Json(Greeting { text: letter.to_string() })).collect();
        Ok(Streaming::from_messages(letters))
    }
}

fn ada() -> Json<Hello> {
    Json(Hello { name: "Ada".to_owned() })
}

async fn start() -> (skyloom::worker::Running, GreeterClient, Connection) {
    let connection = Connection::memory();
    let running = App::new().serve(Greeter).start(&connection).await.expect("the service starts");
    let client = GreeterClient::new(connection.client());
    (running, client, connection)
}

#[tokio::test]
async fn a_call_has_its_reply_and_its_ledger() {
    let (running, client, _connection) = start().await;
    let (Json(greeting), ledger) = client.hello(ada()).with_ledger().await.unwrap();
    assert_eq!(greeting.text, "Hello, Ada!");
    assert_eq!(ledger, Ledger { sends: 1, receives: 2, settles: 1, retries: 0 });
    let (Json(greeting), nested) = client.ask(ada()).with_ledger().await.unwrap();
    assert_eq!(greeting.text, "Hello, Ada!");
    assert_eq!(nested, Ledger { sends: 2, receives: 4, settles: 2, retries: 0 }, "what the handler's call cost too");
    running.drain().await;
}

#[tokio::test]
async fn a_handlers_error_arrives_with_its_ledger() {
    let (running, client, _connection) = start().await;
    let status = client.fail(ada()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "Ada is not ready"));
    assert_eq!(status.ledger(), Ledger { sends: 1, receives: 2, settles: 1, retries: 0 });
    running.drain().await;
}

#[tokio::test]
async fn a_stream_arrives_in_order_and_ends() {
    let (running, client, _connection) = start().await;
    let mut letters = client.letters(ada()).await.unwrap();
    let mut word = String::new();
    while let Some(letter) = letters.next().await {
        word += &letter.unwrap().0.text;
    }
    assert_eq!(word, "Ada");
    running.drain().await;
}

#[tokio::test]
async fn the_registry_knows_the_service_and_its_contract() {
    let (running, _client, connection) = start().await;
    let contract = connection.registry.contract("greeter.v1.Greeter").await.unwrap().unwrap();
    assert_eq!(contract.queue.as_str(), "greeter.v1");
    let hello = contract.method("Hello").unwrap();
    assert_eq!((hello.http[0].path.as_str(), hello.timeout_ms), ("/v1/hello/{name}", Some(2000)));
    running.drain().await;
    assert_eq!(connection.registry.list(&Default::default()).await.unwrap().len(), 0, "it is gone after the drain");
}
