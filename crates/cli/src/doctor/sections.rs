//! The sections of the configuration that belong to single services.

use skyloom::{
    config::{Section, Sources, nearest, section_of, service_sections},
    registry::Snapshot,
};

use super::finding::Finding;

/// Finds the sections in a configuration that belong to no service: neither to one of the cluster file, nor to one that the registry knows.
/// Without any of the two nobody can tell.
pub(super) fn look(sources: &Sources, cluster: Option<&[String]>, known: Option<&Snapshot>) -> Vec<Finding> {
    if cluster.is_none() && known.is_none() {
        return Vec::new();
    }
    // A mistake in the configuration has been found before.
    let sections = service_sections(sources).unwrap_or_default();
    let registered = known.into_iter().flat_map(|known| known.contracts.values()).map(|contract| section_of(contract));
    judge(&sections, cluster.unwrap_or_default(), &registered.collect::<Vec<_>>())
}

fn judge(sections: &[Section], cluster: &[String], registered: &[String]) -> Vec<Finding> {
    let base = |name: &str| name.split_once('@').map_or(name, |(base, _)| base).to_owned();
    // What version a service of the cluster file has is known once it has been registered.
    let is_registered = |name: &String| registered.iter().any(|section| base(section) == *name);
    let unversioned: Vec<&String> = cluster.iter().filter(|name| !is_registered(name)).collect();
    let is_known = |name: &str| {
        name == skyloom_gateway::SECTION
            || registered.iter().any(|known| known == name)
            || unversioned.iter().any(|known| **known == base(name))
    };
    let candidates: Vec<String> = unversioned
        .iter()
        .map(|name| format!("{name}@1"))
        .chain(registered.iter().cloned())
        .chain([skyloom_gateway::SECTION.to_owned()])
        .collect();
    let finding = |section: &Section| {
        let found = format!("{}: [service.{:?}] belongs to no service", section.place, section.name);
        let advice = match nearest(&section.name, candidates.iter().map(String::as_str)) {
            Some(near) => format!("did you mean [service.{near:?}]?"),
            None => "take it away, or start the service; `sky services` lists those that are known".to_owned(),
        };
        Finding::note("section", found, advice)
    };
    sections.iter().filter(|section| !is_known(&section.name)).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_no_service_is_found_with_the_nearest_name() {
        let section = |name: &str| Section { name: name.to_owned(), place: "F, line 1".to_owned() };
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let judged = |name: &str, cluster: &[&str], registered: &[&str]| {
            let findings = judge(&[section(name)], &owned(cluster), &owned(registered));
            findings.into_iter().next().and_then(|finding| finding.advice).unwrap_or_default()
        };
        for name in ["greeter@1", "gateway@1", "qr@1"] {
            assert_eq!(judged(name, &["greeter"], &["qr@1"]), "", "{name}");
        }
        assert_eq!(judged("greeter@2", &["greeter"], &[]), "", "its version is not known");
        assert_eq!(judged("greeter@2", &["greeter"], &["greeter@1"]), "did you mean [service.\"greeter@1\"]?");
        assert_eq!(judged("greter@1", &["greeter"], &[]), "did you mean [service.\"greeter@1\"]?");
        assert!(judged("payments@1", &["greeter"], &["qr@1"]).starts_with("take it away, or "));
    }
}
