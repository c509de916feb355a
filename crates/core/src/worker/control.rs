//! What an instance answers about itself: ping, stats, drain, what it logs, and the end of a stream whose caller
//! has gone away.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{InstanceStats, log::LogRequest, outcome::reply_to, shared::Shared};
use crate::{
    Codec, Guid, Headers, Json, Kind, Ledger, Payload, Result, Status,
    broker::{Delivery, Settlement},
};

/// The methods of an instance's channel `_inst.<guid>` that are about the instance itself; their messages are JSON.
pub const CONTROL_METHODS: [&str; 4] = ["Ping", "Stats", "Drain", "Log"];

/// The answer to `Ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAnswer {
    /// The instance.
    pub id: Guid,
    /// Its process id.
    pub pid: u32,
}

/// The answer to `Drain`: the instance finishes what it has and exits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainAnswer {
    /// What it is still working on.
    pub in_flight: u64,
}

/// How a question to the instance itself is settled.
pub(super) fn control(shared: &Shared, delivery: &Delivery) -> Settlement {
    let request = delivery.envelope();
    if request.kind == Kind::Cancel {
        shared.streams.stop(request.id);
        return Settlement::Done;
    }
    let mut reply = reply_to(request, Kind::Reply, shared.instance, delivery.attempt(), Headers::new());
    reply.ledger = request.ledger.merge(Ledger { receives: 1, settles: 1, ..Ledger::default() });
    reply.codec = Codec::Json;
    match answer(shared, &request.method, &request.payload) {
        Ok(payload) => reply.payload = payload,
        Err(status) => reply.status = Some(status),
    }
    Settlement::Reply(Arc::new(reply))
}

fn answer(shared: &Shared, method: &str, payload: &bytes::Bytes) -> Result<bytes::Bytes> {
    let in_flight = shared.in_flight.count() as u64;
    match method {
        "Ping" => Json(PingAnswer { id: shared.instance, pid: std::process::id() }).encode(),
        "Stats" => Json(InstanceStats {
            id: shared.instance,
            uptime_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            in_flight,
            methods: shared.stats.read(),
        })
        .encode(),
        "Drain" => {
            shared.drain_requested.notify_one();
            Json(DrainAnswer { in_flight }).encode()
        }
        "Log" => {
            let Some(control) = shared.log.get() else {
                return Err(Status::unimplemented("this instance's log cannot be changed from outside"));
            };
            let Json(request) = Json::<LogRequest>::decode(payload.clone())?;
            Json(control(&request)?).encode()
        }
        other => Err(Status::not_found(format!(
            "an instance has no method {other:?}; it has {}",
            CONTROL_METHODS.join(", ")
        ))),
    }
}
