//! One running instance, reached through its own channel.

use std::time::Duration;

use bytes::Bytes;
use skyloom_core::{
    Channel, Codec, Guid, Json, Payload, Result, Status,
    client::{Client, Request},
    worker::{DrainAnswer, InstanceStats, LogAnswer, LogRequest, PingAnswer},
};

/// Reaches one running instance: whether it lives, what it has done, what it logs, and its end. The queue reaches
/// whichever instance is free; this reaches the one that [`registry`](crate::registry) lists under its
/// GUID, or that answered a call (`Response::origin`). The methods of its services are called by
/// [`Call::instance`](crate::client::Call::instance).
///
/// An instance that is gone is `NotFound`, certainly not started; one that vanishes before it has answered is
/// `Aborted` where the broker knows at once, and `DeadlineExceeded` elsewhere.
#[derive(Clone, Debug)]
pub struct InstanceClient {
    client: Client,
    instance: Guid,
    timeout: Option<Duration>,
}

impl InstanceClient {
    /// Reaches the instance of this GUID through this client.
    #[must_use]
    pub fn new(client: impl Into<Client>, instance: Guid) -> Self {
        Self { client: client.into(), instance, timeout: None }
    }

    /// How long each call may take; the client's usual timeout if not set.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// If the instance does not answer.
    pub async fn ping(&self) -> Result<PingAnswer> {
        self.ask("Ping", "{}".into()).await
    }

    /// What it has done since it started, by method.
    ///
    /// # Errors
    /// If the instance does not answer.
    pub async fn stats(&self) -> Result<InstanceStats> {
        self.ask("Stats", "{}".into()).await
    }

    /// Asks it to finish what it has taken and to end. It answers at once, with what it is still working on;
    /// it has ended when the registry no longer lists it.
    ///
    /// # Errors
    /// If the instance does not answer.
    pub async fn drain(&self) -> Result<DrainAnswer> {
        self.ask("Drain", "{}".into()).await
    }

    /// What it logs, and a change of that, until it is restarted or reads its configuration anew.
    ///
    /// # Errors
    /// `InvalidArgument` if the filter is none, `Unimplemented` if the process has a subscriber of its own; if
    /// the instance does not answer.
    pub async fn log(&self, request: LogRequest) -> Result<LogAnswer> {
        self.ask("Log", Json(request).encode()?).await
    }

    async fn ask<T>(&self, method: &'static str, message: Bytes) -> Result<T>
    where
        Json<T>: Payload,
    {
        let mut request = Request::new(Channel::Instance(self.instance), method, Codec::Json, message);
        request.timeout = self.timeout;
        let answer = self.client.call(request).await?;
        let Json(answer) = Json::<T>::decode(answer.payload)
            .map_err(|status| Status::internal(format!("the instance's answer is {}", status.message())))?;
        Ok(answer)
    }
}
