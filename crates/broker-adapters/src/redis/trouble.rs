//! What a Redis error means, in a sentence.

use std::error::Error as _;

use ::redis::{ErrorKind, RedisError, ServerErrorKind};
use skyloom_core::broker::BrokerError;

use crate::remote::OpenError;

use super::options::{Address, Options};

/// How a command that the server did not execute is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server has forgotten the scripts.
    NoScript,
    /// Another node has the slot, or will have it, or this one is not ready: ask again where to.
    Elsewhere,
    /// It cannot write for now: what is new is refused, and the end of a lease is tried again while the lease lasts.
    Later,
    /// For good.
    Final,
}

impl Refusal {
    /// Whether whoever wants to begin something is told so.
    pub(super) fn is_told(self) -> bool {
        matches!(self, Self::Later | Self::Final)
    }

    /// What the server means.
    pub(super) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly,
            ) => Self::Elsewhere,
            // Inside of a script, the code of what it called.
            _ if error.to_string().contains("READONLY") => Self::Elsewhere,
            // Somebody's script takes long.
            _ if error.code() == Some("BUSY") => Self::Elsewhere,
            _ if said(error).contains("NOREPLICAS") || said(error).contains("MISCONF") => Self::Later,
            _ => Self::Final,
        }
    }
}

/// Why the server did not do what it was asked to.
pub(super) fn refused(error: &RedisError) -> BrokerError {
    let said = said(error);
    if error.code() == Some("OOM") || said.contains("OOM ") {
        let (what, limit) = ("Redis's memory".to_owned(), "its maxmemory; nothing is evicted for new work".to_owned());
        return BrokerError::Full { what, limit };
    }
    if error.code() == Some("MISCONF") || said.contains("MISCONF") {
        return BrokerError::refused(format!("Redis cannot write to its disk and takes nothing: {said}"));
    }
    BrokerError::refused(said)
}

/// Whether the server itself answered, so that the connection goes on.
pub(super) fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// The error's own words. Of several commands, each of which the server refused, those of each kind once.
pub(super) fn said(error: &RedisError) -> String {
    let Some(errors) = error.clone().into_server_errors() else { return error.to_string() };
    let mut said: Vec<String> = Vec::new();
    for (_, error) in errors.iter() {
        let words =
            error.details().map_or_else(|| error.code().to_owned(), |detail| format!("{} {detail}", error.code()));
        if !said.contains(&words) {
            said.push(words);
        }
    }
    said.join("; ")
}

/// Why a server cannot be used, from the first words exchanged with it.
pub(super) fn open_error(options: &Options, address: &Address, error: &RedisError) -> OpenError {
    let address = address.to_string();
    let absent = |reason: String| OpenError::Absent { address: address.clone(), reason };
    let unusable = |reason: String| OpenError::Unusable { address: address.clone(), reason };
    let said = self::said(error);
    let code = error.code().unwrap_or_default();
    if code == "NOAUTH" || said.contains("NOAUTH") {
        return unusable("it wants a password; write it into the URL as redis://user:password@host".to_owned());
    }
    if code == "WRONGPASS" || said.contains("WRONGPASS") || error.kind() == ErrorKind::AuthenticationFailed {
        let user = options.user.as_deref().unwrap_or("default");
        return unusable(format!("the password for user {user:?} is wrong, or the user is disabled ({said})"));
    }
    if code == "NOPERM" || said.contains("NOPERM") {
        let user = options.user.as_deref().unwrap_or("default");
        return unusable(format!("user {user:?} lacks a permission ({said}); the ACL rule is in the documentation"));
    }
    if said.contains("cluster support disabled") {
        return unusable("it is no Redis Cluster; write redis:// instead of redis+cluster://".to_owned());
    }
    match error.kind() {
        ErrorKind::Parse => {
            let hint = if options.tls { "" } else { ", or expects TLS; then write rediss://" };
            unusable(format!("it does not speak Redis's protocol; it may be another kind of server{hint} ({said})"))
        }
        ErrorKind::Io => io_error(options, error, absent, unusable),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading | ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown,
        ) => absent(format!("it is not ready: {said}")),
        _ if code == "BUSY" => absent(format!("it is not ready: {said}")),
        _ => unusable(said),
    }
}

fn io_error(
    options: &Options,
    error: &RedisError,
    absent: impl Fn(String) -> OpenError,
    unusable: impl Fn(String) -> OpenError,
) -> OpenError {
    let said = deepest(error);
    if said.contains("certificate") || said.contains("UnknownIssuer") {
        return unusable(format!("its certificate does not verify: {said}; name the right authority by ?ca=file"));
    }
    if said.contains("InvalidMessage") || said.contains("corrupt message") || said.contains("invalid message") {
        return unusable(format!("it does not speak TLS; write redis:// or fix the port ({said})"));
    }
    if error.is_connection_refusal() {
        return absent("nobody listens there".to_owned());
    }
    if error.is_timeout() {
        return absent("it does not answer".to_owned());
    }
    if error.is_connection_dropped() && !options.tls {
        let hint = "it is another kind of server, or expects TLS; then write rediss://";
        return unusable(format!("it does not speak Redis's protocol, and closes the connection at once: {hint}"));
    }
    absent(said)
}

/// What the innermost error says, where TLS has its reason.
fn deepest(error: &RedisError) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        said = format!("{said}: {inner}");
        source = inner.source();
    }
    said
}
