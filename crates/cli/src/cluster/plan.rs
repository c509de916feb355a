//! From the cluster file to the processes that run.

use std::{
    collections::BTreeMap,
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use skyloom::embedded::Address;

use super::{
    file::{ClusterFile, ServicePart},
    order::start_order,
    probe::Probe,
    program,
};
use crate::failure::Failure;

/// The variable that tells a process where the broker is.
const BROKER_VARIABLE: &str = "SKYLOOM_BROKER";

/// One process that is kept running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Its name in logs, such as `qr.2`.
    pub(super) name: String,
    /// The program.
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
    /// The parts, by their place in the plan, that must be ready before it starts.
    pub(super) after: Vec<usize>,
    /// How to tell that one of its processes is ready.
    pub(super) probe: Probe,
    /// Its processes.
    pub(super) processes: Vec<Spec>,
}

/// All parts, each after those that it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where the broker is.
    pub(super) broker: Address,
    /// Whether the broker is one of the parts.
    pub(super) embedded: bool,
    /// Where the gateway listens.
    pub(super) gateway: Option<SocketAddr>,
    /// The parts.
    pub(super) parts: Vec<Part>,
}

impl Plan {
    /// The plan of a file whose paths are relative to `directory`, where its processes run; `broker`
    /// is the URL to use if the file gives none.
    ///
    /// # Errors
    /// A sentence if a program is missing or services wait for each other.
    pub(super) fn new(file: &ClusterFile, directory: &Path, broker: &str) -> Result<Self, Failure> {
        let listen = file.broker.as_ref().and_then(|part| part.listen.as_deref()).unwrap_or(broker);
        let sky =
            env::current_exe().map_err(|error| Failure::failed(format!("cannot find sky's own file: {error}")))?;
        let broker: Address = absolute(listen, directory).parse().map_err(|error| {
            Failure::usage(format!("the cluster's processes need a broker that they can share: {error}"))
        })?;
        let build = Build { broker: broker.to_string(), sky, directory };
        let mut parts = Vec::new();
        if let Some(part) = &file.broker {
            parts.push(build.broker(part.snapshot.as_deref()));
        }
        let after = file.services.iter().map(|(name, service)| (name.clone(), service.after.clone())).collect();
        for name in start_order(&after).map_err(Failure::usage)? {
            let Some(service) = file.services.get(&name) else { continue };
            let part = build.service(&name, service, &parts);
            parts.push(part.map_err(|sentence| Failure::usage(format!("services.{name}: {sentence}")))?);
        }
        let gateway = file.gateway.as_ref().map(|part| SocketAddr::from((Ipv4Addr::LOCALHOST, part.port)));
        if let (Some(address), Some(part)) = (gateway, &file.gateway) {
            let built = build.gateway(address, &part.command, (0..parts.len()).collect());
            parts.push(built.map_err(|sentence| Failure::usage(format!("gateway: {sentence}")))?);
        }
        Ok(Self { broker, embedded: file.broker.is_some(), gateway, parts })
    }
}

struct Build<'a> {
    broker: String,
    sky: PathBuf,
    directory: &'a Path,
}

impl Build<'_> {
    fn spec(&self, name: String, program: PathBuf, arguments: Vec<String>) -> Spec {
        let environment = BTreeMap::from([(BROKER_VARIABLE.to_owned(), self.broker.clone())]);
        Spec { name, program, arguments, environment, directory: self.directory.to_path_buf() }
    }

    fn broker(&self, snapshot: Option<&str>) -> Part {
        let mut arguments = vec!["broker".to_owned(), "--listen".to_owned(), self.broker.clone()];
        if let Some(path) = snapshot {
            arguments.extend(["--snapshot".to_owned(), path.to_owned()]);
        }
        let spec = self.spec("broker".to_owned(), self.sky.clone(), arguments);
        Part { name: spec.name.clone(), after: Vec::new(), probe: Probe::Broker, processes: vec![spec] }
    }

    fn service(&self, name: &str, service: &ServicePart, earlier: &[Part]) -> Result<Part, String> {
        let (program, arguments) = service.command.split_first().ok_or("command is empty")?;
        let program = program::find(program, self.directory)?;
        let process = |number: u32| {
            let mut spec = self.spec(format!("{name}.{number}"), program.clone(), arguments.to_vec());
            spec.environment.extend(service.env.clone());
            spec
        };
        let after = |part: &Part| part.name == "broker" || service.after.contains(&part.name);
        Ok(Part {
            name: name.to_owned(),
            after: earlier.iter().enumerate().filter(|(_, part)| after(part)).map(|(place, _)| place).collect(),
            probe: Probe::Registered,
            processes: (1..=service.instances).map(process).collect(),
        })
    }

    fn gateway(&self, address: SocketAddr, command: &[String], after: Vec<usize>) -> Result<Part, String> {
        let (program, mut arguments) = match command.split_first() {
            Some((program, arguments)) => (program::find(program, self.directory)?, arguments.to_vec()),
            None => (self.sky.clone(), vec!["gateway".to_owned()]),
        };
        arguments.extend(["--listen".to_owned(), address.to_string()]);
        let spec = self.spec("gateway".to_owned(), program, arguments);
        Ok(Part { name: spec.name.clone(), after, probe: Probe::Http(address), processes: vec![spec] })
    }
}

/// A socket's path that means the same to processes that run elsewhere.
fn absolute(url: &str, directory: &Path) -> String {
    match url.strip_prefix("unix:") {
        Some(path) if Path::new(path).is_relative() => format!("unix:{}", directory.join(path).display()),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cluster.toml");
        std::fs::write(&path, text).unwrap();
        Plan::new(&ClusterFile::read(&path)?, Path::new("/srv"), "unix:/tmp/x")
    }

    #[test]
    fn the_gateway_comes_last_and_the_broker_first() {
        let text = "[gateway]\nport = 8081\n[services.links]\ncommand = ['sh', '-c', 'x']\nafter = ['qr']\n\
                    env = { SKYLOOM_REGION = 'eu' }\n[services.qr]\ncommand = ['sh']\ninstances = 2\n[broker]\n";
        let plan = plan(text).unwrap();
        let order: Vec<_> = plan.parts.iter().map(|part| (part.name.as_str(), part.after.clone())).collect();
        assert_eq!(order, [("broker", vec![]), ("qr", vec![0]), ("links", vec![0, 1]), ("gateway", vec![0, 1, 2])]);
        let names: Vec<_> = plan.parts[1].processes.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["qr.1", "qr.2"]);
        let links = &plan.parts[2].processes[0];
        assert_eq!(links.arguments, ["-c", "x"]);
        assert_eq!(links.environment["SKYLOOM_REGION"], "eu");
        assert_eq!(links.environment[BROKER_VARIABLE], "unix:/tmp/x");
        assert!(plan.embedded);
        assert_eq!(plan.parts[3].processes[0].arguments, ["gateway", "--listen", "127.0.0.1:8081"]);
    }

    #[test]
    fn a_gateway_of_ones_own_is_told_where_to_listen() {
        let plan = plan("[gateway]\ncommand = ['sh', '-x']\n").unwrap();
        let gateway = &plan.parts[0].processes[0];
        assert!(gateway.program.ends_with("sh"));
        assert_eq!(gateway.arguments, ["-x", "--listen", "127.0.0.1:8080"]);
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let missing = plan("[services.qr]\ncommand = ['./qr']").unwrap_err().to_string();
        assert!(missing.starts_with("services.qr: /srv/./qr does not exist"), "{missing}");
        let cycle = plan("[services.qr]\ncommand = ['sh']\nafter = ['qr']").unwrap_err().to_string();
        assert!(cycle.contains("qr after qr"), "{cycle}");
    }

    #[test]
    fn a_relative_socket_is_made_absolute() {
        assert_eq!(absolute("unix:run/broker.sock", Path::new("/srv")), "unix:/srv/run/broker.sock");
        assert_eq!(absolute("unix:/run/broker.sock", Path::new("/srv")), "unix:/run/broker.sock");
        assert_eq!(absolute("local:", Path::new("/srv")), "local:");
    }
}
