//! The greeter.

use std::time::Duration;

use skyloom::prelude::*;

use crate::contract::{self, HelloReply, HelloRequest, HelloStreamRequest};

/// The longest name that is greeted, in characters.
const MAX_NAME: usize = 100;

/// How often one caller is greeted at most.
const MAX_TIMES: u32 = 1_000;

/// The longest pause between two greetings.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Greets people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greeter;

#[service]
impl contract::Greeter for Greeter {
    async fn hello(&self, _ctx: Context, request: HelloRequest) -> Result<HelloReply> {
        check_name(&request.name)?;
        Ok(HelloReply { text: format!("Hello, {}!", request.name) })
    }

    async fn hello_stream(&self, _ctx: Context, request: HelloStreamRequest) -> Result<Streaming<HelloReply>> {
        check_name(&request.name)?;
        let times = if request.times == 0 { 3 } else { request.times };
        let pause = Duration::from_millis(request.pause_ms.into());
        if times > MAX_TIMES || pause > MAX_PAUSE {
            let message = format!("times is at most {MAX_TIMES} and pause_ms at most {}", MAX_PAUSE.as_millis());
            return Err(Status::invalid_argument(message));
        }
        let (sender, greetings) = Streaming::channel(16);
        tokio::spawn(async move {
            for number in 1..=times {
                let text = format!("Hello, {}! ({number} of {times})", request.name);
                // The caller has gone away: there is nobody left to greet.
                if sender.send(HelloReply { text }).await.is_err() {
                    return;
                }
                if number < times {
                    tokio::time::sleep(pause).await;
                }
            }
        });
        Ok(greetings)
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Status::invalid_argument("name is missing: say who is to be greeted"));
    }
    let length = name.chars().count();
    if length > MAX_NAME {
        return Err(Status::invalid_argument(format!("name has {length} characters; at most {MAX_NAME} are greeted")));
    }
    if name.chars().any(char::is_control) {
        return Err(Status::invalid_argument(
            "name has control characters in it, such as a line break: leave them out",
        ));
    }
    Ok(())
}
