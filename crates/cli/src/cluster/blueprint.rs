//! How a cluster file becomes a plan: the same way at the start and whenever it is read again.

use skyloom::{
    Endpoints, Settings,
    config::{FILE_VARIABLE, Sources},
};

use super::{
    file::ClusterFile,
    fixed::keep_fixed,
    place::Place,
    plan::{Plan, settled},
    source::Unfound,
};
use crate::{failure::Failure, session::Global};

/// The variable that says how log lines look.
const FORMAT_VARIABLE: &str = "SKYLOOM_LOG_FORMAT";

/// The cluster file and what the command line says beside it, which wins.
#[derive(Debug)]
pub(super) struct Blueprint {
    /// Where the file is.
    pub(super) place: Place,
    /// What `sky` is configured by.
    pub(super) sources: Sources,
    /// What is used if the file names no broker.
    pub(super) endpoints: Endpoints,
    /// Whether the command line says where the embedded broker is.
    pub(super) is_placed: bool,
    /// Whether the processes are told where the registry is although it is the broker's own: `sky up` starts some of them
    /// anew while others run, whatever `skyloom.toml` says by then.
    pub(super) pins_registry: bool,
    /// How many of a service run.
    pub(super) scale: Vec<(String, u32)>,
    /// The gateway's port.
    pub(super) port: Option<u16>,
    /// Whether the processes write text, unless they are told otherwise.
    pub(super) logs_text: bool,
}

impl Blueprint {
    /// That of the file at this place, for `sky` with this configuration; the command line says nothing of its parts.
    pub(super) fn new(place: Place, global: &Global, settings: &Settings) -> Self {
        Self {
            sources: place.sources(None, global),
            endpoints: settings.endpoints(),
            is_placed: global.names_embedded_broker(),
            pins_registry: false,
            scale: Vec::new(),
            port: None,
            logs_text: false,
            place,
        }
    }

    /// Checks the file's text.
    ///
    /// # Errors
    /// A mistake in it, or what the command line says of parts that it does not have.
    pub(super) fn file(&self, text: &str) -> Result<ClusterFile, Failure> {
        let mut file = self.read(text)?;
        for (name, instances) in &self.scale {
            file.scale(name, *instances).map_err(|sentence| Failure::usage(format!("--scale: {sentence}")))?;
        }
        match (self.port, &mut file.gateway) {
            (Some(port), Some(gateway)) => gateway.port = port,
            (Some(_), None) => return Err(Failure::usage("--port: the cluster file has no [gateway]")),
            (None, _) => {}
        }
        Ok(file)
    }

    /// Checks the text of a file that has changed, while a cluster runs from what it was. What cannot change stays as
    /// it is; which keys and sections that are.
    ///
    /// # Errors
    /// A mistake in it.
    pub(super) fn changed_file(
        &self,
        text: &str,
        running: &ClusterFile,
    ) -> Result<(ClusterFile, Vec<&'static str>), Failure> {
        let mut file = self.read(text)?;
        // A service that is taken out needs no number any more.
        for (name, service) in &mut file.services {
            let given = self.scale.iter().rev().find(|(given, _)| given == name);
            service.instances = given.map_or(service.instances, |(_, instances)| *instances);
        }
        if let (Some(port), Some(gateway)) = (self.port, &mut file.gateway) {
            gateway.port = port;
        }
        let kept = keep_fixed(&mut file, running);
        Ok((file, kept))
    }

    fn read(&self, text: &str) -> Result<ClusterFile, Failure> {
        let mut file = ClusterFile::of(self.place.given(), text)?;
        if let Some(broker) = file.broker.as_mut().filter(|_| self.is_placed) {
            broker.listen = None;
        }
        Ok(file)
    }

    /// Where the broker and the registry are by the file, if `sky` is configured like this.
    ///
    /// # Errors
    /// If one of them can be no other process's.
    pub(super) fn endpoints(&self, file: &ClusterFile, settings: &Settings) -> Result<Endpoints, Failure> {
        settled(file, self.place.folder(), &settings.endpoints())
    }

    /// What is wrong in the file, with its name.
    pub(super) fn wrong(&self, sentence: &str) -> Failure {
        Failure::usage(format!("{}: {sentence}", self.place.given().display()))
    }

    /// What of a part of the file cannot be found.
    pub(super) fn unfound(&self, file: &ClusterFile, mistake: &Unfound) -> Failure {
        self.wrong(&file.wrong(&mistake.part, &mistake.sentence))
    }

    /// The plan of a file. Where the programs are that are built it does not know yet.
    ///
    /// # Errors
    /// A program that is missing, or services that wait for each other.
    pub(super) fn plan(&self, file: &ClusterFile) -> Result<Plan, Failure> {
        let placed = |failure: Failure| match failure {
            Failure::Usage(sentence) => self.wrong(&sentence),
            other => other,
        };
        let mut plan = Plan::new(file, self.place.folder(), &self.endpoints).map_err(placed)?;
        if self.pins_registry {
            plan.pin_registry();
        }
        // They write into a pipe, but a person reads it.
        let format = self.logs_text.then(|| (FORMAT_VARIABLE, "text".to_owned()));
        // They run elsewhere than where its name was typed.
        let settings = self.place.named_settings().map(|file| (FILE_VARIABLE, file.display().to_string()));
        for (variable, value) in format.into_iter().chain(settings) {
            for spec in plan.parts.iter_mut().flat_map(|part| &mut part.processes) {
                spec.environment.entry(variable.to_owned()).or_insert_with(|| value.clone());
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::plan::{Part, REGISTRY_VARIABLE},
        *,
    };

    fn blueprint() -> Blueprint {
        Blueprint {
            place: Place::seen_from("cluster.toml".as_ref(), "/srv".into()),
            sources: Sources::default(),
            is_placed: false,
            endpoints: Endpoints::new("unix:/x"),
            pins_registry: true,
            scale: vec![("qr".to_owned(), 3)],
            port: Some(81),
            logs_text: true,
        }
    }

    const FILE: &str = "[gateway]\n[services.qr]\ncommand = ['sh']\n[services.a]\ncommand = ['sh']\n\
                        env = { SKYLOOM_LOG_FORMAT = 'json' }\n";

    #[test]
    fn the_command_line_wins_over_the_file() {
        let blueprint = blueprint();
        let file = blueprint.file(FILE).unwrap();
        assert_eq!((file.services["qr"].instances, file.gateway.as_ref().unwrap().port), (3, 81));
        let plan = blueprint.plan(&file).unwrap();
        let format = |place: usize| plan.parts[place].processes[0].environment[FORMAT_VARIABLE].clone();
        assert_eq!((format(0), format(1)), ("json".to_owned(), "text".to_owned()));
        let said = |text: &str| blueprint.file(text).unwrap_err().to_string();
        assert_eq!(said("[gateway]"), "--scale: the cluster has no service \"qr\"");
        assert_eq!(said("[services.qr]\ncommand = ['sh']"), "--port: the cluster file has no [gateway]");
    }

    #[test]
    fn where_the_registry_is_is_told_even_if_it_is_the_brokers_own() {
        let text = "[services.a]\ncommand = ['sh']\n[services.b]\ncommand = ['sh']\n\
                    env = { SKYLOOM_BROKER = 'nats://b' }\n[services.c]\ncommand = ['sh', '--broker=nats://c']\n";
        let told = |broker: &str| {
            let endpoints = Endpoints::new(broker);
            let blueprint = Blueprint { scale: Vec::new(), port: None, endpoints, ..blueprint() };
            let plan = blueprint.plan(&blueprint.file(text).unwrap()).unwrap();
            let registry = |part: &Part| part.processes[0].environment.get(REGISTRY_VARIABLE).cloned();
            plan.parts.iter().filter(|part| part.name.len() == 1).map(registry).collect::<Vec<_>>()
        };
        assert_eq!(told("unix:/x"), [Some("unix:/x".to_owned()), None, None]);
        assert_eq!(told("nats://a"), [Some("nats://a".to_owned()), None, None]);
        // It keeps none.
        assert_eq!(told("amqp://a"), [Some("local:".to_owned()), None, None]);
    }

    #[test]
    fn a_file_that_changes_may_lose_what_the_command_line_names() {
        let blueprint = blueprint();
        let running = blueprint.file(FILE).unwrap();
        let (file, kept) = blueprint.changed_file("[gateway]\nport = 82", &running).unwrap();
        assert_eq!((file.services.len(), file.gateway.unwrap().port, kept.len()), (0, 81, 0));
        let (file, kept) = blueprint.changed_file("[services.qr]\ncommand = ['sh']", &running).unwrap();
        assert_eq!((file.services["qr"].instances, kept), (3, vec!["[gateway]"]));
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_its_line() {
        let blueprint = Blueprint { scale: Vec::new(), port: None, ..blueprint() };
        let file = blueprint.file("\n[services.qr]\ncommand = ['./qr']").unwrap();
        let said = blueprint.plan(&file).unwrap_err().to_string();
        assert!(said.starts_with("cluster.toml: line 2: services.qr: /srv/qr does not exist"), "{said}");
    }
}
