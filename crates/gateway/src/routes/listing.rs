//! What a gateway serves, for people and tools.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Serialize;
use skyloom::{
    contract::{Contract, HttpVerb, MethodContract},
    registry::Snapshot,
};

use super::{
    precedence::{by_precedence, live, no_room},
    service::Compiled,
    trie::Trie,
};

/// Paths that a gateway answers itself, whatever services claim.
const OWN: [&str; 2] = ["/healthz", "/readyz"];

/// One way to reach a method through a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The HTTP method.
    pub verb: HttpVerb,
    /// The path or its template, such as `/v1/hello/{name}`.
    pub path: String,
    /// The service's full name.
    pub service: String,
    /// The method's name.
    pub method: String,
    /// Whether it answers with a stream.
    pub streaming: bool,
    /// How many running instances serve it.
    pub instances: usize,
    /// Why it is not served, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The routes of every gateway that has this snapshot of its registry: for each method those of its HTTP rules,
/// and `POST /{package.Service}/{Method}`. By service, in the order of the contract. A route that two services claim is
/// that of the one with a running instance, and among equals of the first by name.
#[must_use]
pub fn routes(snapshot: &Snapshot) -> Vec<Route> {
    let live = live(snapshot);
    let order = by_precedence(snapshot, &live);
    let mut listing = Listing { live, rules: Trie::default(), rows: Vec::new() };
    for contract in order.served {
        listing.add(&Compiled::new(Arc::clone(contract)));
    }
    for contract in order.left_out {
        listing.leave_out(contract);
    }
    // The sort is stable: a service's own stay in their order.
    listing.rows.sort_by(|one, other| one.service.cmp(&other.service));
    listing.rows
}

struct Listing<'a> {
    live: HashMap<&'a str, usize>,
    rules: Trie,
    rows: Vec<Route>,
}

impl Listing<'_> {
    fn add(&mut self, compiled: &Compiled) {
        // The table takes a service's rules in the order of its methods.
        let mut problems: BTreeMap<(String, &'static str, String), String> = BTreeMap::new();
        for (verb, template, route) in &compiled.rules {
            let Err(taken) = self.rules.insert(*verb, &template.template, Arc::clone(route)) else { continue };
            let key = (route.operation.method.to_string(), verb.as_str(), template.path.clone());
            problems.insert(key, format!("{} has this route already", taken.operation.transcoder.name()));
        }
        for (method, rule, reason) in &compiled.refused {
            problems.insert((method.clone(), rule.verb.as_str(), rule.path.clone()), reason.clone());
        }
        for method in &compiled.contract.methods {
            for rule in &method.http {
                let own = OWN.contains(&rule.path.as_str()).then(|| "the gateway answers this path itself".to_owned());
                let problem = problems.get(&(method.name.to_string(), rule.verb.as_str(), rule.path.clone())).cloned();
                self.row(&compiled.contract, method, rule.verb, rule.path.clone(), own.or(problem));
            }
            let path = format!("/{}/{}", compiled.contract.name, method.name);
            self.row(&compiled.contract, method, HttpVerb::Post, path, None);
        }
    }

    fn leave_out(&mut self, contract: &Contract) {
        for method in &contract.methods {
            for rule in &method.http {
                self.row(contract, method, rule.verb, rule.path.clone(), Some(no_room()));
            }
            let path = format!("/{}/{}", contract.name, method.name);
            self.row(contract, method, HttpVerb::Post, path, Some(no_room()));
        }
    }

    fn row(
        &mut self,
        contract: &Contract,
        method: &MethodContract,
        verb: HttpVerb,
        path: String,
        problem: Option<String>,
    ) {
        let service = contract.name.clone();
        self.rows.push(Route {
            verb,
            path,
            method: method.name.to_string(),
            streaming: method.streaming,
            instances: self.live.get(service.as_str()).copied().unwrap_or_default(),
            service,
            problem,
        });
    }
}

#[cfg(test)]
mod tests {
    use skyloom::{Guid, contract::Shape, registry::Instance};

    use super::*;

    fn contract(name: &str, rules: &[(&str, &str)]) -> Contract {
        let http: Vec<_> = rules.iter().map(|(verb, path)| serde_json::json!({ "verb": verb, "path": path })).collect();
        serde_json::from_value(serde_json::json!({
            "name": name, "queue": "x.v1", "version": 1,
            "methods": [{ "name": "Get", "codec": "json", "input": "A", "output": "B", "http": http }],
        }))
        .unwrap()
    }

    #[test]
    fn every_route_is_listed_and_a_conflict_says_who_has_it() {
        let mut snapshot = Snapshot::default();
        for contract in [
            contract("a.v1.A", &[("GET", "/v1/a/{id}"), ("GET", "/readyz")]),
            contract("b.v1.B", &[("GET", "/v1/a/{code}"), ("DELETE", "/v1/a/{code}"), ("GET", "v1/{")]),
        ] {
            snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        }
        let services = vec![snapshot.contracts["a.v1.A"].service_ref()];
        let (host, region) = (String::new(), String::new());
        let instance = Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 };
        snapshot.instances.insert(instance.id, Arc::new(instance));
        let shown: Vec<String> = routes(&snapshot)
            .into_iter()
            .map(|row| {
                let problem = row.problem.unwrap_or_default();
                format!("{} {} {}/{} {} {problem}", row.verb, row.path, row.service, row.method, row.instances)
            })
            .collect();
        assert_eq!(
            shown[..5],
            [
                "GET /v1/a/{id} a.v1.A/Get 1 ",
                "GET /readyz a.v1.A/Get 1 the gateway answers this path itself",
                "POST /a.v1.A/Get a.v1.A/Get 1 ",
                "GET /v1/a/{code} b.v1.B/Get 0 a.v1.A/Get has this route already",
                "DELETE /v1/a/{code} b.v1.B/Get 0 ",
            ]
        );
        assert!(shown[5].starts_with("GET v1/{ b.v1.B/Get 0 ") && shown[5].len() > 24, "{}", shown[5]);
        assert_eq!(shown[6], "POST /b.v1.B/Get b.v1.B/Get 0 ");
    }

    #[test]
    fn a_path_that_names_no_field_of_a_json_request_is_not_served() {
        let mut contract = contract("a.v1.A", &[("GET", "/v1/{code}"), ("GET", "/v1/{cod}"), ("PUT", "/v1/{code.x}")]);
        let code = skyloom::contract::Field { name: "code".to_owned(), shape: Shape::String };
        contract.methods[0].request = Shape::Object { name: "A".to_owned(), fields: vec![code] };
        let mut snapshot = Snapshot::default();
        snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        let problems: Vec<_> = routes(&snapshot).into_iter().map(|row| (row.path, row.problem)).collect();
        let problem = |text: &str| Some(text.to_owned());
        assert_eq!(
            problems,
            [
                ("/v1/{code}".to_owned(), None),
                ("/v1/{cod}".to_owned(), problem("there is no field \"cod\"; did you mean \"code\"?")),
                ("/v1/{code.x}".to_owned(), problem("there is no field \"code.x\"")),
                ("/a.v1.A/Get".to_owned(), None),
            ]
        );
    }

    #[test]
    fn a_service_that_lives_has_a_route_before_one_that_does_not() {
        let mut snapshot = Snapshot::default();
        for contract in [contract("a.v1.A", &[("GET", "/v1/x")]), contract("b.v1.B", &[("GET", "/v1/x")])] {
            snapshot.contracts.insert(contract.name.clone(), Arc::new(contract));
        }
        let services = vec![snapshot.contracts["b.v1.B"].service_ref()];
        let (host, region) = (String::new(), String::new());
        let instance = Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 };
        snapshot.instances.insert(instance.id, Arc::new(instance));
        let contested = routes(&snapshot).into_iter().filter(|row| row.path == "/v1/x");
        let contested: Vec<_> = contested.map(|row| (row.service, row.problem)).collect();
        let taken = Some("b.v1.B/Get has this route already".to_owned());
        assert_eq!(contested, [("a.v1.A".to_owned(), taken), ("b.v1.B".to_owned(), None)]);
    }
}
