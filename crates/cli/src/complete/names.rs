//! The names that a cluster has.

use std::collections::BTreeMap;

use skyloom::{config::section_of, registry::Snapshot};

/// What may be completed, each with a word about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// `greeter.v1.Greeter/Hello`.
    pub(crate) methods: BTreeMap<String, String>,
    /// `greeter.v1.Greeter`.
    pub(crate) services: BTreeMap<String, String>,
    /// Queues and groups: `greeter.v1`, `links.visited/audit`.
    pub(crate) channels: BTreeMap<String, String>,
    /// Topics that somebody listens to.
    pub(crate) topics: BTreeMap<String, String>,
    /// Sections of the configuration: `greeter@1`.
    pub(crate) sections: BTreeMap<String, String>,
    /// GUIDs of instances.
    pub(crate) instances: BTreeMap<String, String>,
}

impl Names {
    /// The names in a snapshot of the registry.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut names = Self::default();
        for contract in snapshot.contracts.values() {
            let first = |docs: &str| docs.lines().next().unwrap_or_default().trim().to_owned();
            names.services.insert(contract.name.clone(), first(&contract.docs));
            names.channels.insert(contract.queue.to_string(), contract.name.clone());
            names.sections.insert(section_of(contract), contract.name.clone());
            for method in &contract.methods {
                let help = if method.docs.trim().is_empty() {
                    format!("{} -> {}", method.input, method.output)
                } else {
                    first(&method.docs)
                };
                names.methods.insert(format!("{}/{}", contract.name, method.name), help);
            }
            for event in &contract.events {
                names.topics.insert(event.topic.to_string(), contract.name.clone());
                if let Some(group) = &event.group {
                    names.channels.insert(format!("{}/{group}", event.topic), contract.name.clone());
                }
            }
        }
        for instance in snapshot.instances.values() {
            let serves: Vec<&str> = instance.services.iter().map(|served| served.name.as_str()).collect();
            names.instances.insert(instance.id.to_string(), serves.join(", "));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom::contract::Contract;

    use super::*;

    #[test]
    fn a_contract_gives_its_names() {
        let contract: Contract = serde_json::from_value(serde_json::json!({
            "name": "audit.v1.Audit", "queue": "audit.v1", "version": 1, "docs": "Counts.\nMore.",
            "methods": [{ "name": "Tail", "codec": "json", "input": "Query", "output": "Visit" }],
            "events": [{ "topic": "links.visited", "group": "audit" }, { "topic": "links.made" }],
        }))
        .unwrap();
        let mut snapshot = Snapshot::default();
        snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        let names = Names::of(&snapshot);
        assert_eq!(names.methods["audit.v1.Audit/Tail"], "Query -> Visit");
        assert_eq!(names.sections["audit@1"], "audit.v1.Audit");
        assert_eq!(names.services["audit.v1.Audit"], "Counts.");
        assert_eq!(names.topics.keys().collect::<Vec<_>>(), ["links.made", "links.visited"]);
        assert_eq!(names.channels.keys().collect::<Vec<_>>(), ["audit.v1", "links.visited/audit"]);
    }
}
