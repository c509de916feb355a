//! The cluster's processes as supervisors look at them.

use std::path::PathBuf;

use skyloom::embedded::Address;

use super::super::plan::{Part, Plan, Spec};
use crate::{failure::Failure, text::why};

/// How many files a process may have open, each connection one: enough for the 10,000 connections of a gateway or a
/// broker.
pub(super) const OPEN_FILES: u32 = 65_536;

/// What a cluster is called, and what its processes are.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    /// The cluster's name.
    pub(super) name: &'a str,
    /// The user that its processes run as, if another than the supervisor's.
    pub(super) user: Option<&'a str>,
    /// `sky` itself.
    pub(super) sky: PathBuf,
    pub(super) plan: &'a Plan,
}

/// What a part of the cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Broker,
    Gateway,
    Service,
}

impl<'a> Pieces<'a> {
    /// # Errors
    /// If a name is none for a supervisor.
    pub(super) fn new(name: &'a str, user: Option<&'a str>, plan: &'a Plan) -> Result<Self, Failure> {
        let plain = |text: &str| {
            let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
            starts_well && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let wrong = |what: &str, advice: &str| {
            let allowed = "use letters, digits, hyphen, dot and underscore, at most 64";
            Err(Failure::usage(format!("{what}: {allowed}{advice}")))
        };
        if !plain(name) {
            let advice = "; --name gives another than the cluster file's";
            return wrong(&format!("{name:?} cannot be the cluster's name"), advice);
        }
        if let Some(user) = user.filter(|user| !plain(user)) {
            return wrong(&format!("--user: {user:?} is no name"), "");
        }
        let sky = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("cannot find sky's own file: {}", why(&error))))?;
        Ok(Self { name, user, sky, plan })
    }

    /// The parts, in the order in which they would be started.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'a Part, Role, &'a Spec)> {
        self.plan.parts.iter().filter_map(|part| Some((part, role(part), part.processes.first()?)))
    }

    /// Where the embedded broker listens, if it is one of the parts.
    pub(super) fn broker(&self) -> Option<&'a Address> {
        self.plan.embedded.as_ref().filter(|embedded| embedded.hosted).map(|embedded| &embedded.address)
    }
}

pub(super) fn role(part: &Part) -> Role {
    match part.name.as_str() {
        "broker" | "registry" => Role::Broker,
        "gateway" => Role::Gateway,
        _ => Role::Service,
    }
}
