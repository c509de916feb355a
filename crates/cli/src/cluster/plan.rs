//! From the cluster file to the processes that run.

use std::{
    collections::BTreeMap,
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use skyloom::{ConnectError, Endpoints, embedded::Address};

use super::{
    file::{ClusterFile, GatewayPart, ServicePart},
    place::{absolute, socket},
    probe::Probe,
    program,
};
use crate::{failure::Failure, text::why};

/// The variable that tells a process where the broker is.
pub(super) const BROKER_VARIABLE: &str = "SKYLOOM_BROKER";

/// The variable that tells a process where the registry is, if it is not the broker's own.
pub(super) const REGISTRY_VARIABLE: &str = "SKYLOOM_REGISTRY";

/// One process that is kept running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Its name in logs, such as `qr.2`.
    pub(super) name: String,
    /// The program; empty until it is built.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// What is added to its environment.
    pub(super) environment: BTreeMap<String, String>,
    /// Where it runs.
    pub(super) directory: PathBuf,
}

/// The broker, the gateway or a service: processes that start and stop together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    /// The parts that must be ready before it starts.
    pub(super) after: Vec<String>,
    /// How to tell that one of its processes is ready.
    pub(super) probe: Probe,
    /// The address that is listened on for it: its processes are handed the socket, and tell when they are ready.
    pub(super) held: Option<SocketAddr>,
    /// Its processes.
    pub(super) processes: Vec<Spec>,
}

/// An embedded broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    /// Where it is.
    pub(super) address: Address,
    /// Whether it is one of the cluster's parts; otherwise it runs already.
    pub(super) hosted: bool,
    /// The name of the part: `broker`, or `registry` if the queues are on another broker.
    pub(super) name: &'static str,
}

/// All parts, each after those that it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where the broker and the registry are.
    pub(super) endpoints: Endpoints,
    /// The embedded broker that the cluster needs, for its queues or for its registry.
    pub(super) embedded: Option<Embedded>,
    /// Where the gateway listens.
    pub(super) gateway: Option<SocketAddr>,
    /// The parts.
    pub(super) parts: Vec<Part>,
}

impl Plan {
    /// The plan of a file in this folder, to which its paths are relative, and where its processes run; `endpoints` are
    /// to be used if it gives none.
    ///
    /// # Errors
    /// A sentence if a program is missing or services wait for each other.
    pub(super) fn new(file: &ClusterFile, folder: &Path, endpoints: &Endpoints) -> Result<Self, Failure> {
        let sky = env::current_exe()
            .map_err(|error| Failure::failed(format!("cannot find sky's own file: {}", why(&error))))?;
        let endpoints = settled(file, folder, endpoints)?;
        let embedded = embedded(file, &endpoints).map_err(|error| Failure::usage(error.to_string()))?;
        let build = Build { endpoints: &endpoints, sky, folder };
        let mut parts = Vec::new();
        if let (Some(part), Some(embedded)) = (&file.broker, &embedded) {
            parts.push(build.broker(embedded, part.snapshot.as_deref()));
        }
        for name in file.in_order().map_err(Failure::usage)? {
            let Some(service) = file.services.get(&name) else { continue };
            let part = build.service(&name, service, &parts);
            parts.push(part.map_err(|sentence| Failure::usage(file.wrong(&name, &sentence)))?);
        }
        let gateway = file.gateway.as_ref().map(|part| SocketAddr::from((Ipv4Addr::LOCALHOST, part.port)));
        if let (Some(address), Some(part)) = (gateway, &file.gateway) {
            let built = build.gateway(address, part, names(&parts));
            parts.push(built.map_err(|sentence| Failure::usage(file.wrong("gateway", &sentence)))?);
        }
        Ok(Self { endpoints, embedded, gateway, parts })
    }

    /// The same cluster before anything of it runs.
    pub(super) fn before_its_start(&self) -> Self {
        Self { parts: Vec::new(), ..self.clone() }
    }

    /// Tells whoever goes to the cluster's broker where the registry is, even if it is the broker's own: one that
    /// `skyloom.toml` names while the cluster runs is for the next start of all, and not for a process that starts anew.
    pub(super) fn pin_registry(&mut self) {
        let broker = &self.endpoints.broker;
        let registry = self.endpoints.embedded().ok().flatten().unwrap_or(broker);
        let is_flag = |argument: &String| argument.starts_with("--broker");
        for spec in self.parts.iter_mut().flat_map(|part| &mut part.processes) {
            if spec.environment.get(BROKER_VARIABLE) == Some(broker) && !spec.arguments.iter().any(is_flag) {
                spec.environment.entry(REGISTRY_VARIABLE.to_owned()).or_insert_with(|| registry.to_owned());
            }
        }
    }

    /// The length of the longest name of a process.
    pub(super) fn width(&self) -> usize {
        let processes = self.parts.iter().flat_map(|part| &part.processes);
        processes.map(|spec| spec.name.len()).max().unwrap_or_default()
    }

    /// Says where the programs of parts are that were built.
    pub(super) fn built<'a>(&mut self, programs: impl IntoIterator<Item = (&'a str, &'a Path)>) {
        for (part, program) in programs {
            let parts = self.parts.iter_mut().filter(|other| other.name == part);
            for spec in parts.flat_map(|part| &mut part.processes) {
                program.clone_into(&mut spec.program);
            }
        }
    }
}

fn names(parts: &[Part]) -> Vec<String> {
    parts.iter().map(|part| part.name.clone()).collect()
}

/// The endpoints as they mean the same to every process.
///
/// # Errors
/// If one of them can be no other process's.
pub(super) fn settled(file: &ClusterFile, folder: &Path, given: &Endpoints) -> Result<Endpoints, Failure> {
    shared(file, folder, given)
        .map_err(|error| Failure::usage(format!("the cluster's processes need a broker that they can share: {error}")))
}

fn shared(file: &ClusterFile, folder: &Path, given: &Endpoints) -> Result<Endpoints, ConnectError> {
    let listen = file.broker.as_ref().and_then(|part| part.listen.clone());
    let mut settled = given.clone();
    // A broker on the network is used if it is asked for; then what the file has can be its registry.
    match (given.embedded()?.is_some_and(|url| *url == given.broker), listen) {
        (true, Some(listen)) => settled.broker = listen,
        (false, Some(listen)) if given.registry.is_none() && given.embedded()?.is_some() => {
            settled.registry = Some(listen);
        }
        _ => {}
    }
    settled.broker = socket(folder, &settled.broker);
    settled.registry = settled.registry.map(|url| socket(folder, &url));
    settled.shown()?;
    if settled.broker == "memory:" {
        return Err(ConnectError::Unknown { url: settled.broker });
    }
    Ok(settled)
}

/// The embedded broker that these endpoints need.
fn embedded(file: &ClusterFile, endpoints: &Endpoints) -> Result<Option<Embedded>, ConnectError> {
    let Some(url) = endpoints.embedded()? else { return Ok(None) };
    let name = if *url == endpoints.broker { "broker" } else { "registry" };
    Ok(Some(Embedded { address: url.parse()?, hosted: file.broker.is_some(), name }))
}

struct Build<'a> {
    endpoints: &'a Endpoints,
    sky: PathBuf,
    folder: &'a Path,
}

impl Build<'_> {
    fn spec(&self, name: String, program: PathBuf, arguments: Vec<String>) -> Spec {
        let mut environment = BTreeMap::from([(BROKER_VARIABLE.to_owned(), self.endpoints.broker.clone())]);
        if let Some(registry) = &self.endpoints.registry {
            environment.insert(REGISTRY_VARIABLE.to_owned(), registry.clone());
        }
        Spec { name, program, arguments, environment, directory: self.folder.to_path_buf() }
    }

    fn broker(&self, embedded: &Embedded, snapshot: Option<&str>) -> Part {
        let mut arguments = vec!["broker".to_owned(), "--listen".to_owned(), embedded.address.to_string()];
        if let Some(path) = snapshot {
            let path = absolute(self.folder, Path::new(path));
            arguments.extend(["--snapshot".to_owned(), path.display().to_string()]);
        }
        let spec = self.spec(embedded.name.to_owned(), self.sky.clone(), arguments);
        let probe = if embedded.name == "broker" { Probe::Broker } else { Probe::Registry };
        Part { name: spec.name.clone(), after: Vec::new(), probe, held: None, processes: vec![spec] }
    }

    fn service(&self, name: &str, service: &ServicePart, earlier: &[Part]) -> Result<Part, String> {
        let (program, arguments) = match service.command.split_first() {
            Some((program, arguments)) => (program::find(program, self.folder)?, arguments),
            None => (PathBuf::new(), service.args.as_slice()),
        };
        let process = |number: u32| {
            let mut spec = self.spec(format!("{name}.{number}"), program.clone(), arguments.to_vec());
            spec.environment.extend(service.env.clone());
            spec
        };
        let after =
            |part: &Part| ["broker", "registry"].contains(&part.name.as_str()) || service.after.contains(&part.name);
        Ok(Part {
            name: name.to_owned(),
            after: earlier.iter().filter(|part| after(part)).map(|part| part.name.clone()).collect(),
            probe: Probe::Registered,
            held: None,
            processes: (1..=service.instances).map(process).collect(),
        })
    }

    fn gateway(&self, address: SocketAddr, part: &GatewayPart, after: Vec<String>) -> Result<Part, String> {
        let (program, mut arguments) = match part.command.split_first() {
            Some((program, arguments)) => (program::find(program, self.folder)?, arguments.to_vec()),
            None if part.package.is_some() || part.source.is_some() => (PathBuf::new(), part.args.clone()),
            None => (self.sky.clone(), vec!["gateway".to_owned()]),
        };
        arguments.extend(["--listen".to_owned(), address.to_string()]);
        let mut spec = self.spec("gateway".to_owned(), program, arguments);
        spec.environment.extend(part.env.clone());
        Ok(Part {
            name: spec.name.clone(),
            after,
            probe: Probe::Http(address),
            held: part.hold.then_some(address),
            processes: vec![spec],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, Failure> {
        let file = ClusterFile::parse(text).map_err(Failure::usage)?;
        Plan::new(&file, Path::new("/srv"), &Endpoints::new("unix:/tmp/x"))
    }

    #[test]
    fn the_gateway_comes_last_and_the_broker_first() {
        let text = "[gateway]\nport = 8081\n[services.links]\ncommand = ['sh', '-c', 'x']\nafter = ['qr']\n\
                    env = { SKYLOOM_REGION = 'eu' }\n[services.qr]\ncommand = ['sh']\ninstances = 2\n[broker]\n";
        let plan = plan(text).unwrap();
        let order: Vec<_> = plan.parts.iter().map(|part| (part.name.as_str(), part.after.join(" "))).collect();
        let expected = [("broker", ""), ("qr", "broker"), ("links", "broker qr"), ("gateway", "broker qr links")];
        assert_eq!(order, expected.map(|(name, after)| (name, after.to_owned())));
        let names: Vec<_> = plan.parts[1].processes.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["qr.1", "qr.2"]);
        let links = &plan.parts[2].processes[0];
        assert_eq!(links.arguments, ["-c", "x"]);
        assert_eq!(links.environment["SKYLOOM_REGION"], "eu");
        assert_eq!(links.environment[BROKER_VARIABLE], "unix:/tmp/x");
        assert!(plan.embedded.is_some_and(|embedded| embedded.hosted && embedded.name == "broker"));
        assert_eq!(plan.parts[3].processes[0].arguments, ["gateway", "--listen", "127.0.0.1:8081"]);
    }

    #[test]
    fn a_broker_on_the_network_takes_the_place_of_the_embedded_one() {
        let file = ClusterFile::parse("[broker]\n[services.qr]\ncommand = ['sh']\n").unwrap();
        let plan = |broker: &str, registry: Option<&str>| {
            let registry = registry.map(str::to_owned);
            Plan::new(&file, Path::new("/srv"), &Endpoints { broker: broker.to_owned(), registry }).unwrap()
        };
        let nats = plan("nats://a", None);
        assert_eq!((nats.embedded, nats.parts.len()), (None, 1));
        assert_eq!(nats.parts[0].processes[0].environment[BROKER_VARIABLE], "nats://a");
        let amqp = plan("amqp://a", Some("unix:run/registry.sock"));
        assert_eq!(amqp.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["registry", "qr"]);
        assert_eq!(amqp.parts[0].processes[0].arguments, ["broker", "--listen", "unix:/srv/run/registry.sock"]);
        assert_eq!(amqp.parts[1].after, ["registry"]);
        assert_eq!(amqp.parts[1].processes[0].environment[REGISTRY_VARIABLE], "unix:/srv/run/registry.sock");
    }

    #[test]
    fn a_gateway_of_ones_own_is_told_where_to_listen() {
        let plan = plan("[gateway]\ncommand = ['sh', '-x']\nenv = { TOKEN = 'x' }\n").unwrap();
        let gateway = &plan.parts[0].processes[0];
        assert!(gateway.program.ends_with("sh"));
        assert_eq!(gateway.arguments, ["-x", "--listen", "127.0.0.1:8080"]);
        assert_eq!((&gateway.environment["TOKEN"], gateway.environment.len()), (&"x".to_owned(), 2));
        assert_eq!(plan.parts[0].held, plan.gateway);
        let alone = self::plan("[gateway]\ncommand = ['sh']\nhold = false\n").unwrap();
        assert_eq!(alone.parts[0].held, None);
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let missing = plan("[services.qr]\ncommand = ['./qr']").unwrap_err().to_string();
        assert!(missing.starts_with("line 1: services.qr: /srv/qr does not exist"), "{missing}");
        let cycle = plan("[services.qr]\ncommand = ['sh']\nafter = ['qr']").unwrap_err().to_string();
        assert!(cycle.starts_with("line 1: services.qr: it waits for itself"), "{cycle}");
    }
}
