//! Words in which such tests are told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_core::{
    Channel, Codec, Envelope, Guid, Kind, Status,
    client::{Client, Request},
};
use tokio::time::{sleep, timeout};

/// What must happen happens within this, however slow the machine.
pub const SOON: Duration = Duration::from_secs(60);

/// How much time a call has that is tried again and again.
pub(super) const CALL_TIME: Duration = Duration::from_secs(2);

/// The queue of this name.
///
/// # Panics
/// If there can be none.
#[must_use]
pub fn queue(name: &str) -> Channel {
    name.parse().expect("a valid name")
}

/// One-way work with a number as its payload.
#[must_use]
pub fn cast(number: u32) -> Arc<Envelope> {
    let mut envelope = Envelope::new(Kind::Cast, Guid::call());
    envelope.payload = number.to_le_bytes().to_vec().into();
    Arc::new(envelope)
}

/// The number that an envelope has as its payload.
///
/// # Panics
/// If it has none.
#[must_use]
pub fn number(envelope: &Envelope) -> u32 {
    read(&envelope.payload)
}

fn read(payload: &[u8]) -> u32 {
    u32::from_le_bytes(payload.try_into().expect("the payload is a number"))
}

/// A number that nothing else has.
pub(super) fn fresh() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1_000_000);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Waits for what must happen.
///
/// # Panics
/// If it does not happen in time.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what}: it did not happen within {SOON:?}"))
}

/// Looks again and again until something is so.
///
/// # Panics
/// If it is not so in time.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, looking).await;
}

/// A reply with the request's payload.
#[must_use]
pub fn echo(request: &Envelope) -> Arc<Envelope> {
    let mut reply = Envelope::new(Kind::Reply, request.id);
    reply.payload = request.payload.clone();
    Arc::new(reply)
}

/// One call, which takes so long at most.
///
/// # Errors
/// Why it has no reply.
///
/// # Panics
/// If it does not end by its deadline.
pub async fn call(client: &Client, channel: &Channel, time: Duration) -> Result<(), Status> {
    call_with(fresh(), client, channel, time).await.map(drop)
}

/// One call with this number; returns the reply's.
pub(super) async fn call_with(number: u32, client: &Client, channel: &Channel, time: Duration) -> Result<u32, Status> {
    let payload = number.to_le_bytes().to_vec();
    let mut request = Request::new(channel.clone(), "Echo", Codec::Protobuf, payload.into());
    request.timeout = Some(time);
    let answered = timeout(time + SOON, client.call(request)).await.expect("a call ends by its deadline");
    answered.map(|response| read(&response.payload))
}

/// Calls until one succeeds.
///
/// # Panics
/// If none does in time.
pub async fn until_answered(client: &Client, channel: &Channel) {
    until("a call succeeds", async || call(client, channel, CALL_TIME).await.is_ok()).await;
}
