//! [`Table`] itself.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;
use skyloom::{
    contract::{Contract, HttpVerb},
    registry::Snapshot,
};

use super::{
    Operation, RestRoute,
    precedence::{Precedence, by_precedence, live, no_room},
    service::Compiled,
    trie::Trie,
};
use skyloom::transcode::hint;

/// Which request reaches which method; made from the registry's snapshot.
#[derive(Debug, Default)]
pub(crate) struct Table {
    services: BTreeMap<String, Arc<Compiled>>,
    /// The contracts whose routes there is no room for.
    left_out: BTreeMap<String, Arc<Contract>>,
    /// By path, such as `/greeter.v1.Greeter/Hello`.
    operations: HashMap<Box<str>, Arc<Operation>, RandomState>,
    rules: Trie,
    /// The services that claim a route which another claims, too, and whether they were live when it was given to one;
    /// all of them if there is no room for all.
    contested: BTreeMap<String, bool>,
}

/// What a REST request reaches.
#[derive(Debug)]
pub(crate) enum Found<'t, 'p> {
    /// A route, and the path without its leading slash and its custom verb.
    Route(&'t Arc<RestRoute>, &'p str),
    /// The path exists; these methods are allowed.
    NotAllowed(Vec<HttpVerb>),
    /// There is nothing at this path.
    Nothing,
}

impl Table {
    /// The table of a snapshot. If its contracts are the same as before, and so is who of those is alive that claim one
    /// route, the table is too, and only the services that are alive are noted anew.
    pub(crate) fn of(snapshot: &Snapshot, before: &Arc<Self>) -> Arc<Self> {
        let live = live(snapshot);
        let is_live = |name: &String| live.contains_key(name.as_str());
        let is_same = before.has_contracts_of(snapshot)
            && before.contested.iter().all(|(name, was_live)| is_live(name) == *was_live);
        let table = if is_same { Arc::clone(before) } else { Arc::new(before.rebuilt(snapshot, &live)) };
        for (name, compiled) in &table.services {
            compiled.service.set_live(is_live(name));
        }
        table
    }

    fn has_contracts_of(&self, snapshot: &Snapshot) -> bool {
        let same = |(name, contract): (&String, &Arc<Contract>)| {
            let known = self.services.get(name).map(|own| &own.contract).or_else(|| self.left_out.get(name));
            known == Some(contract)
        };
        let known = self.services.len() + self.left_out.len();
        known == snapshot.contracts.len() && snapshot.contracts.iter().all(same)
    }

    fn rebuilt(&self, snapshot: &Snapshot, live: &HashMap<&str, usize>) -> Self {
        let mut table = Self::default();
        let Precedence { served, left_out } = by_precedence(snapshot, live);
        for contract in served {
            let known = self.services.get(&contract.name).filter(|own| own.contract == *contract).cloned();
            let compiled = known.unwrap_or_else(|| Arc::new(Compiled::new(Arc::clone(contract))));
            table.add(&compiled, live);
            table.services.insert(contract.name.clone(), compiled);
        }
        for contract in &left_out {
            let name = &contract.name;
            if !self.left_out.contains_key(name) {
                let reason = no_room();
                tracing::warn!(service = name, reason, "a service is left out: forget contracts that nobody needs");
            }
            table.left_out.insert(name.clone(), Arc::clone(contract));
        }
        if !left_out.is_empty() {
            let is_live = |name: &String| live.contains_key(name.as_str());
            table.contested = snapshot.contracts.keys().map(|name| (name.clone(), is_live(name))).collect();
        }
        table
    }

    fn add(&mut self, compiled: &Compiled, live: &HashMap<&str, usize>) {
        for operation in &compiled.operations {
            let path = format!("/{}/{}", compiled.service.name, operation.method);
            self.operations.insert(path.into(), Arc::clone(operation));
        }
        for (method, rule, route) in &compiled.rules {
            if let Err(taken) = self.rules.insert(*method, &rule.template, Arc::clone(route)) {
                let (first, second) = (taken.operation.transcoder.name(), route.operation.transcoder.name());
                let path = &rule.path;
                tracing::warn!(first, second, %method, path, "two methods claim one route; the first has it");
                for service in [&taken.operation.service, &compiled.service] {
                    self.contested.insert(service.name.clone(), live.contains_key(service.name.as_str()));
                }
            }
        }
    }

    /// The method at `/{package.Service}/{Method}`.
    pub(crate) fn operation(&self, path: &str) -> Option<&Arc<Operation>> {
        self.operations.get(path)
    }

    /// What a REST request reaches; without a method, which methods the path allows.
    pub(crate) fn rest<'p>(&self, method: Option<HttpVerb>, path: &'p str) -> Found<'_, 'p> {
        match self.rules.find(method, path.strip_prefix('/').unwrap_or(path)) {
            Ok((route, path)) => Found::Route(route, path),
            Err(allowed) if allowed.is_empty() => Found::Nothing,
            Err(allowed) => Found::NotAllowed(allowed),
        }
    }

    /// Why a service has no routes though it is known, if it is.
    pub(crate) fn left_out(&self, service: &str) -> Option<String> {
        self.left_out.contains_key(service).then(|| format!("{service} is left out: {}", no_room()))
    }

    /// How many services have no routes though they are known.
    pub(crate) fn count_left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Why there is no method at `/{package.Service}/{Method}`.
    pub(crate) fn missing(&self, service: &str, method: &str) -> String {
        let Some(known) = self.services.get(service) else {
            let hint = hint(service, self.services.keys().map(String::as_str));
            return format!("there is no service {service:?}{hint}");
        };
        let hint = hint(method, known.operations.iter().map(|operation| operation.method.as_str()));
        format!("{service} has no method {method:?}{hint}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom::{
        Codec, Guid, MethodName, QueueName,
        contract::{Contract, HttpRule, HttpVerb, MethodContract, Shape},
        registry::{Instance, Snapshot},
    };

    use super::{Found, Table};

    fn contract(name: &str, rules: &[(HttpVerb, &str)]) -> Contract {
        let methods = rules.iter().enumerate().map(|(index, (verb, path))| MethodContract {
            name: MethodName::new(format!("M{index}")).unwrap(),
            codec: Codec::Json,
            input: "In".into(),
            output: "Out".into(),
            streaming: false,
            idempotent: false,
            timeout_ms: None,
            http: vec![HttpRule {
                verb: *verb,
                path: (*path).to_owned(),
                body: Default::default(),
                response_body: String::new(),
            }],
            docs: String::new(),
            request: Shape::Any,
            reply: Shape::Any,
        });
        Contract {
            name: name.to_owned(),
            queue: QueueName::new("q").unwrap(),
            version: 1,
            docs: String::new(),
            methods: methods.collect(),
            events: Vec::new(),
            descriptors: bytes::Bytes::new(),
        }
    }

    fn instance(contract: &Contract) -> Arc<Instance> {
        let services = vec![contract.service_ref()];
        let (host, region) = (String::new(), String::new());
        Arc::new(Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 })
    }

    fn table(contracts: &[Contract]) -> Arc<Table> {
        let contracts = contracts.iter().map(|own| (own.name.clone(), Arc::new(own.clone())));
        let snapshot = Snapshot { contracts: contracts.collect(), ..Snapshot::default() };
        Table::of(&snapshot, &Arc::default())
    }

    fn found(table: &Table, verb: HttpVerb, path: &str) -> String {
        match table.rest(Some(verb), path) {
            Found::Route(route, _) => route.operation.transcoder.name().to_owned(),
            Found::NotAllowed(allowed) => format!("{allowed:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_most_specific_template_wins() {
        let rules = [
            (HttpVerb::Get, "/v1/{name}"),
            (HttpVerb::Get, "/v1/fixed"),
            (HttpVerb::Get, "/v1/{path=**}"),
            (HttpVerb::Post, "/v1/fixed"),
            (HttpVerb::Get, "/v1/{name}:read"),
            (HttpVerb::Get, "/"),
        ];
        let table = table(&[contract("a.A", &rules)]);
        for (verb, path, expected) in [
            (HttpVerb::Get, "/v1/fixed", "a.A/M1"),
            (HttpVerb::Get, "/v1/f%69xed", "a.A/M1"),
            (HttpVerb::Get, "/v1/other", "a.A/M0"),
            (HttpVerb::Get, "/v1/a/b", "a.A/M2"),
            (HttpVerb::Get, "/v1/fixed/b", "a.A/M2"),
            (HttpVerb::Get, "/v1", "a.A/M2"),
            (HttpVerb::Post, "/v1/fixed", "a.A/M3"),
            (HttpVerb::Post, "/v1/other", "[Get]"),
            (HttpVerb::Get, "/v1/x:read", "a.A/M4"),
            (HttpVerb::Get, "/v1/x:write", "a.A/M0"),
            (HttpVerb::Get, "/", "a.A/M5"),
            (HttpVerb::Get, "/v2", "nothing"),
            (HttpVerb::Delete, "/v1/fixed", "[Get, Post]"),
        ] {
            assert_eq!(found(&table, verb, path), expected, "{verb} {path}");
        }
    }

    #[test]
    fn a_segment_that_is_empty_matches_no_star() {
        let table = table(&[contract("a.A", &[(HttpVerb::Get, "/v1/{name}"), (HttpVerb::Get, "/v1/{a}/b")])]);
        for path in ["/v1/", "/v1//b", "//", "/v1/x/"] {
            assert_eq!(found(&table, HttpVerb::Get, path), "nothing", "{path}");
        }
    }

    #[test]
    fn of_two_that_claim_a_route_the_first_by_name_has_it() {
        let rules = [(HttpVerb::Get, "/x")];
        let table = table(&[contract("b.B", &rules), contract("a.A", &rules)]);
        assert_eq!(found(&table, HttpVerb::Get, "/x"), "a.A/M0");
        assert_eq!(table.operation("/b.B/M0").unwrap().transcoder.name(), "b.B/M0");
    }

    #[test]
    fn a_service_that_lives_has_a_route_before_one_that_does_not() {
        let rules = [(HttpVerb::Get, "/x")];
        let both = [contract("b.B", &rules), contract("a.A", &rules), contract("c.C", &[])];
        let mut snapshot = Snapshot::default();
        snapshot.contracts.extend(both.iter().map(|own| (own.name.clone(), Arc::new(own.clone()))));
        let mut table = Table::of(&snapshot, &Arc::default());
        let mut running = Vec::new();
        for (index, expected) in [(0, "b.B/M0"), (1, "a.A/M0"), (2, "a.A/M0")] {
            let before = Arc::clone(&table);
            running.push(instance(&both[index]));
            snapshot.instances = running.iter().map(|instance| (instance.id, Arc::clone(instance))).collect();
            table = Table::of(&snapshot, &table);
            assert_eq!(found(&table, HttpVerb::Get, "/x"), expected);
            assert_eq!(Arc::ptr_eq(&table, &before), index == 2, "it concerns nobody whether C lives");
        }
        snapshot.instances = [(running[0].id, Arc::clone(&running[0]))].into();
        assert_eq!(found(&Table::of(&snapshot, &table), HttpVerb::Get, "/x"), "b.B/M0");
    }

    #[test]
    fn a_broken_rule_leaves_the_rest_alone() {
        let mut broken = contract("a.A", &[(HttpVerb::Get, "/{"), (HttpVerb::Get, "/x")]);
        broken.descriptors = bytes::Bytes::from_static(b"\xff\xff");
        let table = table(&[broken]);
        assert_eq!(found(&table, HttpVerb::Get, "/x"), "a.A/M1");
        assert!(table.operation("/a.A/M0").is_some());
    }

    #[test]
    fn the_table_stays_while_the_contracts_do() {
        let known = Arc::new(contract("a.A", &[]));
        let mut snapshot = Snapshot::default();
        snapshot.contracts.insert("a.A".into(), known);
        let first = Table::of(&snapshot, &Arc::default());
        let second = Table::of(&snapshot, &first);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(second.missing("a.B", "X"), "there is no service \"a.B\"; did you mean \"a.A\"?");
        snapshot.contracts.clear();
        assert!(!Arc::ptr_eq(&second, &Table::of(&snapshot, &second)));
    }
}
