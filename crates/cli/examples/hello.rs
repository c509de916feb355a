//! A small service, as a process for `sky up`: `command = ["examples/hello"]`. Its own settings say how it greets.

use std::time::Duration;

use skyloom::{App, config::Sources, prelude::*};

/// Who is greeted.
#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

/// The greeting.
#[derive(Serialize, Deserialize)]
struct Greeting {
    text: String,
}

/// How long to wait.
#[derive(Serialize, Deserialize)]
struct Wait {
    ms: u64,
}

/// The service's own settings.
#[derive(Clone, Deserialize)]
#[serde(default)]
struct Words {
    greeting: String,
    /// Serve the other service instead.
    bystander: bool,
}

impl Default for Words {
    fn default() -> Self {
        Self { greeting: "Hello".to_owned(), bystander: false }
    }
}

#[derive(Clone)]
struct Greeter(Words);

#[service(version = 1)]
impl Greeter {
    /// Greets a person.
    #[handler(get = "/v1/hello/{name}", timeout = "2s")]
    async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Ok(Json(Greeting { text: format!("{}, {}!", self.0.greeting, hello.name) }))
    }

    /// Answers late.
    #[handler]
    async fn doze(&self, Json(wait): Json<Wait>) -> Result<Json<Wait>> {
        tokio::time::sleep(Duration::from_millis(wait.ms)).await;
        Ok(Json(wait))
    }
}

#[derive(Clone)]
struct Bystander;

#[service(version = 1)]
impl Bystander {
    /// Says that it is there.
    #[handler]
    async fn look(&self) -> Result<Json<bool>> {
        Ok(Json(true))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    if skyloom::about("Greets.")? {
        return Ok(());
    }
    let settings = Settings::load(&Sources::of_process(Some("greeter@1")))?;
    let words: Words = settings.own()?;
    if words.bystander {
        return App::new().serve(Bystander).run().await;
    }
    App::with_settings(settings).serve(Greeter(words)).run().await
}
