//! The cluster file.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use skyloom::{
    config::{read_file, shown_mistake, without_password},
    embedded::Address,
};

use super::{
    keys::{self, key_before, line_of},
    order::start_order,
    origin::{Keys, Origin},
    place::socket,
    source::Wanted,
};
use crate::{
    failure::Failure,
    text::{did_you_mean, why},
};

/// The most processes of one service; more belong on more hosts.
const MAX_INSTANCES: u32 = 64;

/// The longest name of a service; it prefixes each of its log lines.
const MAX_NAME: usize = 32;

/// What is wrong with two tables, or two keys, of one name.
const TWICE: &str = "this name is there already; rename one of the two, or take it away";

/// A whole cluster file, for the help.
pub(super) const EXAMPLE: &str = r#"[broker]                          # the embedded broker, unless --broker names one on the network
listen = "unix:/tmp/sky.sock"     # default: that of --broker

[gateway]
port = 8080                       # default
command = ["gateway"]             # default: sky gateway; `--listen ADDRESS` is added
hold = true                       # default: the listening socket is handed to it (LISTEN_FDS)

[services.orders]
package = "orders"                # built by cargo: a package of the workspace that this file is in
args = ["--log=debug"]            # what its program is given

[services.stock]
source = "../stock"               # built by cargo: the package in this directory
bin = "stockd"                    # default: its only program, or the one named as the package

[services.qr]
command = ["target/release/qr"]   # not built: the program and its arguments
instances = 2                     # default: 1

[services.links]
command = ["links"]
env = { SKYLOOM_REGION = "eu" }
after = ["qr"]                    # starts when all instances of qr are ready
"#;

/// A cluster: an embedded broker, a gateway, and services.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct ClusterFile {
    /// The embedded broker; without it the cluster uses one that runs already.
    pub(super) broker: Option<BrokerPart>,
    /// The gateway, if there is to be one.
    pub(super) gateway: Option<GatewayPart>,
    /// The services by name.
    #[serde(default)]
    pub(super) services: BTreeMap<String, ServicePart>,
    /// The line in which each part begins.
    #[serde(skip)]
    lines: BTreeMap<String, usize>,
}

/// The embedded broker.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct BrokerPart {
    /// Where it listens; where the command line says if nothing is given.
    pub(super) listen: Option<String>,
    /// Where it keeps what must survive a planned restart.
    pub(super) snapshot: Option<String>,
}

/// The gateway.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct GatewayPart {
    /// Its port on the loopback address.
    #[serde(default = "default_port")]
    pub(super) port: u16,
    /// The program and its arguments, to which `--listen ADDRESS` is added; `sky gateway` if none.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// The package that it is built from, instead of a command.
    pub(super) package: Option<String>,
    /// Where the package's `Cargo.toml` is.
    pub(super) source: Option<String>,
    /// The program of the package.
    pub(super) bin: Option<String>,
    /// The arguments of a program that is built.
    #[serde(default)]
    pub(super) args: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Whether the listening socket is held for it, so that one gateway can take the place of another.
    #[serde(default = "yes")]
    pub(super) hold: bool,
}

fn yes() -> bool {
    true
}

fn default_port() -> u16 {
    8080
}

/// One service.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct ServicePart {
    /// The program and its arguments, unless it is built from its sources.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// The package that it is built from, instead of a command.
    pub(super) package: Option<String>,
    /// Where the package's `Cargo.toml` is.
    pub(super) source: Option<String>,
    /// The program of the package.
    pub(super) bin: Option<String>,
    /// The arguments of a program that is built.
    #[serde(default)]
    pub(super) args: Vec<String>,
    /// How many of it run.
    #[serde(default = "one")]
    pub(super) instances: u32,
    /// Variables of its environment.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Services that must be ready before it starts.
    #[serde(default)]
    pub(super) after: Vec<String>,
}

fn one() -> u32 {
    1
}

impl BrokerPart {
    fn check(&self) -> Result<(), String> {
        if self.snapshot.as_deref() == Some("") {
            return Err("snapshot is empty; name a file, or take the key away: then it is beside the socket".to_owned());
        }
        let listen = self.listen.as_deref().unwrap_or("local:");
        // Where its folder is does not matter here.
        let address: Result<Address, _> = socket(Path::new("/"), listen).parse();
        address.map(drop).map_err(|error| format!("listen: {error}"))
    }
}

impl ClusterFile {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn text(path: &Path) -> Result<String, Failure> {
        let text = match fs::metadata(path) {
            Ok(_) if path.is_dir() => Err("it is a folder; name the file in it, such as cluster.toml".to_owned()),
            Ok(_) => read_file(path).map_err(|error| why(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err("there is no such file".to_owned()),
            Err(error) => Err(why(&error)),
        };
        text.map_err(|why| Failure::usage(format!("cannot read the cluster file {}: {why}", path.display())))
    }

    /// Checks the text of the file at this path.
    ///
    /// # Errors
    /// The first mistake: the file, the line where there is one, and what to do.
    pub(super) fn of(path: &Path, text: &str) -> Result<Self, Failure> {
        Self::parse(text).map_err(|sentence| Failure::usage(format!("{}: {sentence}", path.display())))
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        keys::check(text)?;
        let mut file: Self = toml::from_str(text).map_err(|error| {
            let what = error.message().trim().replace('\n', "; ");
            let twice = what.starts_with("duplicate key");
            let key = error.span().map(|span| key_before(text, span.start)).unwrap_or_default();
            let what = if twice { TWICE.to_owned() } else { format!("this is no TOML: {}", shown_mistake(key, &what)) };
            match error.span() {
                Some(span) => format!("line {}: {what}", line_of(text, span.start)),
                None => what,
            }
        })?;
        file.lines = keys::lines(text);
        file.check()?;
        Ok(file)
    }

    /// What is wrong with a part, with its line and its name in the file.
    pub(super) fn wrong(&self, part: &str, sentence: &str) -> String {
        let line = self.lines.get(part).map_or_else(String::new, |line| format!("line {line}: "));
        let section = if self.services.contains_key(part) { "services." } else { "" };
        format!("{line}{section}{part}: {sentence}")
    }

    fn check(&self) -> Result<(), String> {
        if self.broker.is_none() && self.gateway.is_none() && self.services.is_empty() {
            return Err("it names nothing to run; give at least one of [broker], [gateway], [services.NAME]".to_owned());
        }
        if let Some(part) = &self.broker {
            part.check().map_err(|sentence| self.wrong("broker", &sentence))?;
        }
        if self.gateway.as_ref().is_some_and(|gateway| gateway.port == 0) {
            return Err(self.wrong("gateway", "port is 0; give a number from 1 to 65535"));
        }
        if let Some(part) = &self.gateway {
            let keys = Keys::of(&part.command, &part.package, &part.source, &part.bin, &part.args);
            let checked = keys.check().and_then(|_| check_env(&part.env));
            checked.map_err(|sentence| self.wrong("gateway", &sentence))?;
        }
        for (name, service) in &self.services {
            self.check_service(name, service).map_err(|sentence| self.wrong(name, &sentence))?;
        }
        Ok(())
    }

    fn check_service(&self, name: &str, service: &ServicePart) -> Result<(), String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !starts_well || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(format!(
                "this is no name for a service; use a-z, 0-9, hyphen and underscore, at most {MAX_NAME}"
            ));
        }
        if ["sky", "broker", "registry", "gateway"].contains(&name) {
            return Err("this name is taken by the cluster itself; choose another".to_owned());
        }
        let keys = Keys::of(&service.command, &service.package, &service.source, &service.bin, &service.args);
        if keys.check()? == Origin::Nowhere {
            return Err(
                "it has no program: give package = \"NAME\" to build it from its sources, or command = [\"PROGRAM\"]"
                    .to_owned(),
            );
        }
        check_instances(service.instances)?;
        check_env(&service.env)?;
        for earlier in &service.after {
            if !self.services.contains_key(earlier) {
                let hint = match earlier.as_str() {
                    "broker" | "registry" => "; every service starts after the broker anyway".to_owned(),
                    "gateway" => "; the gateway starts last, and its requests wait until then".to_owned(),
                    _ => did_you_mean(earlier, self.services.keys().map(String::as_str)),
                };
                return Err(format!("after names {earlier:?}, which is no service of this file{hint}"));
            }
        }
        Ok(())
    }

    /// The services, each after those that it waits for.
    ///
    /// # Errors
    /// If some wait for each other.
    pub(super) fn in_order(&self) -> Result<Vec<String>, String> {
        let after = self.services.iter().map(|(name, service)| (name.clone(), service.after.clone())).collect();
        start_order(&after).map_err(|cycle| self.wrong(&cycle.name, &cycle.sentence))
    }

    /// What is to be built from its sources.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let wanted = |part: String, package: &Option<String>, source: &Option<String>, bin: &Option<String>| {
            let (package, source, bin) = (package.clone(), source.clone(), bin.clone());
            (package.is_some() || source.is_some()).then_some(Wanted { part, source, package, bin })
        };
        let gateway =
            self.gateway.iter().filter_map(|part| wanted("gateway".to_owned(), &part.package, &part.source, &part.bin));
        let services = self
            .services
            .iter()
            .filter_map(|(name, part)| wanted(name.clone(), &part.package, &part.source, &part.bin));
        gateway.chain(services).collect()
    }

    /// Sets the number of instances of a service.
    ///
    /// # Errors
    /// If there is no such service, or the number is out of bounds.
    pub(super) fn scale(&mut self, name: &str, instances: u32) -> Result<(), String> {
        check_instances(instances)?;
        let hint = did_you_mean(name, self.services.keys().map(String::as_str));
        match self.services.get_mut(name) {
            Some(service) => service.instances = instances,
            None => return Err(format!("the cluster has no service {name:?}{hint}")),
        }
        Ok(())
    }
}

fn check_env(env: &BTreeMap<String, String>) -> Result<(), String> {
    match env.keys().find(|key| key.is_empty() || key.contains(['=', '\0'])) {
        Some(key) => Err(format!("env: {:?} cannot be the name of a variable", without_password(key))),
        None => Ok(()),
    }
}

fn check_instances(instances: u32) -> Result<(), String> {
    if instances <= MAX_INSTANCES {
        return Ok(());
    }
    Err(format!("{instances} instances are more than the {MAX_INSTANCES} that one host is given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_with_its_defaults() {
        let text = "[broker]\n[gateway]\n[services.qr]\ncommand = ['qr']\n";
        let file = ClusterFile::parse(text).unwrap();
        assert_eq!(file.gateway.unwrap().port, 8080);
        assert_eq!(file.services["qr"].instances, 1);
        assert_eq!(file.broker.unwrap().listen, None);
    }

    #[test]
    fn the_example_in_the_help_is_a_cluster_file() {
        let file = ClusterFile::parse(EXAMPLE).unwrap();
        assert_eq!(file.services.keys().collect::<Vec<_>>(), ["links", "orders", "qr", "stock"]);
        assert_eq!(file.services["links"].after, ["qr"]);
    }

    #[test]
    fn each_mistake_is_one_sentence() {
        let cases = [
            ("", "it names nothing to run"),
            ("[broker", "line 1: "),
            ("[gateway]\nport = 70000", "line 2: "),
            ("[gateway]\nport = 0", "line 1: gateway: port is 0; give a number"),
            ("[broker]\nsnapshot = ''", "line 1: broker: snapshot is empty; name a file"),
            ("[broker]\nlisten = '0.0.0.0:1'", "line 1: broker: listen: \"0.0.0.0:1\" is not a broker's address: use"),
            ("[broker]\nlisten = 'tcp://0.0.0.0:1'", "line 1: broker: listen: 0.0.0.0:1 is not a loopback address"),
            ("services:\n  qr: 1\n", "line 1: this is no TOML: "),
            ("[services.a]\ncommand = ['x']\nafter = ['broker']", "; every service starts after the broker anyway"),
            ("[services.qr]\ninstances = 1", "services.qr: it has no program: give package"),
            ("[services.qr]\ncommand = []", "services.qr: it has no program: give package"),
            ("[services.qr]\ncommand = ['']", "services.qr: command is empty"),
            ("[services.qr]\ncommand = ['x']\npackage = 'y'", "services.qr: both command and package say what runs"),
            ("[services.qr]\ncommand = ['x']\nargs = ['y']", "services.qr: args belong to a program that is built"),
            ("[services.qr]\nbin = 'y'", "services.qr: bin is a program of a package"),
            ("[services.qr]\npackage = ' '", "services.qr: package is empty"),
            ("[gateway]\nsource = ''", "gateway: source is empty"),
            ("[services.qr]\ncommand = ['x']\ninstances = 65", "services.qr: 65 instances"),
            ("[services.qr]\ncommand = 'x'", "line 2: "),
            ("[services.'../qr']\ncommand = ['x']", "this is no name for a service"),
            ("[services.broker]\ncommand = ['x']", "this name is taken"),
            ("[services.qr]\ncommand = ['x']\nenv = { 'A=B' = '' }", "env: \"A=B\" cannot be"),
            ("[gateway]\nenv = { '' = 'x' }", "line 1: gateway: env: \"\" cannot be"),
            (
                "[services.qr]\ncommand = ['x']\n[services.links]\ncommand = ['x']\nafter = ['qq']",
                "services.links: after names \"qq\", which is no service of this file",
            ),
        ];
        for (text, part) in cases {
            let sentence = ClusterFile::parse(text).unwrap_err();
            assert!(sentence.contains(part), "{text}: {sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
        let third = ClusterFile::parse("[broker]\n\n[services.qr]\ncommand = ['']").unwrap_err();
        assert!(third.starts_with("line 3: services.qr: command is empty"), "{third}");
    }

    #[test]
    fn a_mistake_in_a_secret_does_not_show_it() {
        for env in ["{ REGION = 'eu', API_TOKEN = 12345 }", "'API_TOKEN=12345'", "{ 'API_TOKEN=12345' = '' }"] {
            let text = format!("[services.qr]\ncommand = ['qr']\nenv = {env}\n");
            let sentence = ClusterFile::parse(&text).unwrap_err();
            assert!(sentence.contains("line") && !sentence.contains("12345"), "{sentence}");
        }
    }

    #[test]
    fn scaling_names_a_service() {
        let mut file = ClusterFile::parse("[services.qr]\ncommand = ['qr']").unwrap();
        file.scale("qr", 3).unwrap();
        assert_eq!(file.services["qr"].instances, 3);
        assert!(file.scale("qr", 1_000).is_err());
        assert_eq!(file.scale("rq", 3).unwrap_err(), "the cluster has no service \"rq\"; did you mean qr?");
    }
}
