//! How a stream ends: as its handler ends it, and not with the time that its start may take.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::time::Duration;

use skyloom::{Channel, Codec, Connection, Outcome, client::Request, prelude::*, worker::Running};
use tokio::time::timeout;

/// How a tale ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum End {
    Well,
    Badly,
    Untold,
    WithAPanic,
}

struct Tales;

#[service(version = 1)]
impl Tales {
    /// Three numbers, one a second, and the end.
    #[handler]
    async fn tell(&self, Json(end): Json<End>) -> Result<Streaming<Json<u32>>> {
        let (sender, numbers) = Streaming::channel(1);
        tokio::spawn(async move {
            for number in 0..3 {
                // Whether somebody hears it is no matter of the tale.
                let _ = sender.send(Json(number)).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let untold = Status::unavailable("nobody knows").with_outcome(Outcome::NotStarted);
            match end {
                End::Well => {}
                End::Badly => sender.fail(Status::data_loss("the rest is lost")).await,
                End::Untold => sender.fail(untold).await,
                End::WithAPanic => panic!("on purpose"),
            }
        });
        Ok(numbers)
    }

    /// Panics where the stream itself is read.
    #[handler]
    async fn stumble(&self) -> Result<Streaming<Json<u32>>> {
        Ok(Streaming::from_messages([0, 1, 2, 3].into_iter().map(|number| {
            assert!(number < 3, "on purpose");
            Json(number)
        })))
    }
}

const SOON: Duration = Duration::from_secs(60);

const BRIEF: Duration = Duration::from_millis(1_500);

async fn start() -> (Connection, Running, TalesClient) {
    let connection = Connection::memory();
    let running = App::new().serve(Tales).start(&connection).await.unwrap();
    let client = TalesClient::new(connection.client());
    (connection, running, client)
}

/// The three numbers, and what comes after them.
async fn heard(mut stream: Streaming<Json<u32>>) -> Option<Status> {
    for number in 0..3 {
        let next = timeout(SOON, stream.next()).await.expect("it goes on");
        assert_eq!(next.unwrap().unwrap().0, number);
    }
    let end = timeout(SOON, stream.next()).await.expect("it ends").map(Result::unwrap_err);
    assert!(stream.next().await.is_none(), "nothing follows");
    end
}

#[tokio::test(start_paused = true)]
async fn it_ends_well_or_with_the_handlers_error_however_long_it_takes() {
    let (_connection, _running, client) = start().await;
    let told = async |end| heard(client.tell(Json(end)).timeout(BRIEF).await.unwrap()).await;
    assert!(told(End::Well).await.is_none());
    let status = told(End::Badly).await.unwrap();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "the rest is lost"));
    let status = told(End::Untold).await.unwrap();
    assert_eq!((status.code(), status.outcome()), (Code::Unavailable, Outcome::Known), "it has begun: {status}");
    assert!(!status.is_retry_safe(), "{status}");
    let status = told(End::WithAPanic).await.unwrap();
    assert_eq!(status.code(), Code::Internal, "{status}");
    let status = heard(client.stumble().await.unwrap()).await.unwrap();
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("on purpose"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn who_calls_for_one_reply_hears_how_it_has_ended() {
    let (connection, _running, _client) = start().await;
    let channel: Channel = "tales.v1".parse().unwrap();
    let call = |end: &'static str| {
        let request = Request::new(channel.clone(), "Tell", Codec::Json, end.into());
        let client = connection.client();
        async move { client.call(request).await }
    };
    assert!(call("\"Well\"").await.unwrap().payload.is_empty());
    assert_eq!(call("\"Badly\"").await.unwrap_err().message(), "the rest is lost");
}
