//! `SERVICE/METHOD` to a method's contract.

use std::sync::Arc;

use skyloom::{
    Channel,
    contract::{Contract, MethodContract},
    registry::Snapshot,
};

use crate::{failure::Failure, text::did_you_mean};

/// A method of a service that the registry knows.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The service.
    pub(crate) contract: Arc<Contract>,
    /// The method.
    pub(crate) method: MethodContract,
    /// Whether an instance of the service is running.
    pub(crate) live: bool,
}

impl Target {
    /// The method of this name: `greeter.v1.Greeter/Hello`, or by its queue `greeter.v1/Hello`.
    ///
    /// # Errors
    /// A sentence with the nearest name if there is no such service or method.
    pub(crate) fn find(snapshot: &Snapshot, name: &str) -> Result<Self, Failure> {
        let (service, method) = split_method(name)?;
        let served: Vec<_> = services(snapshot, service).collect();
        let found = served.iter().find_map(|contract| Some((*contract, contract.method(method)?)));
        match (found, served.first()) {
            (Some((contract, method)), _) => Ok(Self {
                contract: Arc::clone(contract),
                method: method.clone(),
                live: snapshot.is_live(&contract.name),
            }),
            (None, Some(contract)) => {
                let hint = suggest_method(contract, method);
                Err(Failure::failed(format!("{} has no method {method:?}{hint}", contract.name)))
            }
            (None, None) => Err(Failure::failed(format!(
                "no service {service:?} is registered{}",
                suggest_service(snapshot, service)
            ))),
        }
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.contract.name, self.method.name)
    }

    /// The queue that its requests go to.
    pub(crate) fn channel(&self) -> Channel {
        Channel::Queue(self.contract.queue.clone())
    }
}

/// The service and the method that a name is of.
///
/// # Errors
/// If it is no `SERVICE/METHOD`.
pub(crate) fn split_method(name: &str) -> Result<(&str, &str), Failure> {
    name.rsplit_once('/').ok_or_else(|| {
        Failure::usage(format!("{name:?} names no method; write SERVICE/METHOD, such as greeter.v1.Greeter/Hello"))
    })
}

/// Services by full name or by queue; several may share a queue.
fn services<'a>(snapshot: &'a Snapshot, name: &'a str) -> impl Iterator<Item = &'a Arc<Contract>> {
    snapshot.contracts.values().filter(move |contract| contract.name == name || contract.queue.as_str() == name)
}

/// What a service has instead of a method; one that only listens is told something by an event.
fn suggest_method(contract: &Contract, method: &str) -> String {
    let known = contract.methods.iter().map(|method| method.name.as_str());
    let hint = did_you_mean(method, known.clone());
    match (hint.is_empty(), contract.methods.is_empty(), contract.events.first()) {
        (false, ..) => hint,
        (_, false, _) => format!("; it has {}", known.collect::<Vec<_>>().join(", ")),
        (_, _, Some(event)) => {
            format!(", for it only listens to events: `sky publish {} JSON` sends it one", event.topic)
        }
        (_, _, None) => ", nor any other".to_owned(),
    }
}

/// What somebody who mistyped a service's name may have meant, or how to see them all.
pub(crate) fn suggest_service(snapshot: &Snapshot, name: &str) -> String {
    let names = snapshot.contracts.values().flat_map(|contract| [contract.name.as_str(), contract.queue.as_str()]);
    let hint = did_you_mean(name, names);
    if !hint.is_empty() {
        return hint;
    }
    // A name may also be a part of the full one, such as `greeter` or `Greeter`, or nearly one.
    let named = snapshot.contracts.keys().filter(|service| !did_you_mean(name, service.split('.')).is_empty());
    match (named.collect::<Vec<_>>().as_slice(), snapshot.contracts.keys().collect::<Vec<_>>().as_slice()) {
        ([], [only]) => format!("; the only one is {only}"),
        ([], _) => "; see `sky services`".to_owned(),
        ([first, ..], _) => format!("; did you mean {first}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let contract: Contract = serde_json::from_value(serde_json::json!({
            "name": "greeter.v1.Greeter", "queue": "greeter.v1", "version": 1,
            "methods": [{"name": "Hello", "codec": "json", "input": "Hello", "output": "Greeting"}],
        }))
        .unwrap();
        let mut snapshot = Snapshot::default();
        snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        snapshot
    }

    #[test]
    fn a_method_is_found_by_service_and_by_queue() {
        for name in ["greeter.v1.Greeter/Hello", "greeter.v1/Hello"] {
            let target = Target::find(&snapshot(), name).unwrap();
            assert_eq!(target.name(), "greeter.v1.Greeter/Hello");
            assert_eq!(target.channel().to_string(), "greeter.v1");
            assert!(!target.live);
        }
    }

    #[test]
    fn a_service_that_only_listens_is_sent_events() {
        let of = |events: serde_json::Value| {
            let contract: Contract = serde_json::from_value(serde_json::json!({
                "name": "mailer.v1.Mailer", "queue": "mailer.v1", "version": 1, "methods": [], "events": events,
            }))
            .unwrap();
            let mut snapshot = Snapshot::default();
            snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
            Target::find(&snapshot, "mailer.v1.Mailer/Hello").unwrap_err().to_string()
        };
        assert_eq!(
            of(serde_json::json!([{"topic": "orders.placed", "group": "mailer.v1"}])),
            "mailer.v1.Mailer has no method \"Hello\", for it only listens to events: `sky publish orders.placed JSON` \
             sends it one"
        );
        assert_eq!(of(serde_json::json!([])), "mailer.v1.Mailer has no method \"Hello\", nor any other");
    }

    #[test]
    fn a_mistyped_name_gets_the_nearest() {
        let cases = [
            (
                "greter.v1.Greeter/Hello",
                "no service \"greter.v1.Greeter\" is registered; did you mean greeter.v1.Greeter?",
            ),
            ("greeter/Hello", "no service \"greeter\" is registered; did you mean greeter.v1.Greeter?"),
            ("Greeter/Hello", "no service \"Greeter\" is registered; did you mean greeter.v1.Greeter?"),
            ("greter/Hello", "no service \"greter\" is registered; did you mean greeter.v1.Greeter?"),
            ("zzz/Hello", "no service \"zzz\" is registered; the only one is greeter.v1.Greeter"),
            ("greeter.v1/Helo", "greeter.v1.Greeter has no method \"Helo\"; did you mean Hello?"),
            ("greeter.v1/Zzz", "greeter.v1.Greeter has no method \"Zzz\"; it has Hello"),
            ("Hello", "\"Hello\" names no method; write SERVICE/METHOD, such as greeter.v1.Greeter/Hello"),
        ];
        for (name, sentence) in cases {
            assert_eq!(Target::find(&snapshot(), name).unwrap_err().to_string(), sentence);
        }
    }
}
