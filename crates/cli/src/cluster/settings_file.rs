//! `skyloom.toml`, which the processes of a cluster read when they start.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use skyloom::config::{FILE_VARIABLE, Settings, Sources, read_file};
use toml::Table;

use super::{
    place::absolute,
    plan::{Plan, Spec},
    probe::Probe,
};
use crate::text::why;

/// The file as the processes that run have read it.
pub(super) struct SettingsFile {
    path: PathBuf,
    /// As it was when it was well-formed last; empty if it is not there.
    read: String,
    /// As it was seen last, or why it cannot be read.
    seen: Result<String, String>,
    /// Whether there was a mistake in it then.
    wrong: bool,
}

/// What the file says now, and what it said before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Revision {
    path: PathBuf,
    before: String,
    now: String,
}

impl SettingsFile {
    /// The file at this path, as it is now.
    pub(super) fn new(path: PathBuf) -> Self {
        let seen = text(&path);
        Self { path, read: seen.clone().unwrap_or_default(), seen, wrong: false }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at it again, because it may have changed or somebody `asked`. What has changed, if it says something else
    /// now, or is mended.
    ///
    /// # Errors
    /// A mistake in it that has not been told yet, or that somebody asks for again. What it was before counts until it is
    /// mended.
    pub(super) fn look(&mut self, asked: bool) -> Result<Option<Revision>, String> {
        let now = text(&self.path);
        if now == self.seen && !(asked && self.wrong) {
            return Ok(None);
        }
        self.seen.clone_from(&now);
        let was_wrong = std::mem::replace(&mut self.wrong, true);
        let now = now?;
        let sources = Sources { file: Some(self.path.clone()), ..Sources::default() };
        Settings::load_text(&sources, &now).map_err(|error| error.to_string())?;
        self.wrong = false;
        let before = std::mem::replace(&mut self.read, now.clone());
        let differs = table(&before) != table(&now);
        Ok((differs || was_wrong).then(|| Revision { path: self.path.clone(), before, now }))
    }
}

/// A file that is not there says as much as an empty one. One that cannot be read says nothing.
fn text(path: &Path) -> Result<String, String> {
    match read_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| format!("cannot read {}: {}", path.display(), why(&error))),
    }
}

fn table(text: &str) -> Table {
    // It was well-formed when it was read.
    text.parse().unwrap_or_default()
}

impl Revision {
    /// The parts of a plan whose processes are configured otherwise now. `sections` are those that apply to processes, by
    /// their names, as far as these have told; empty if no section of a single service does.
    pub(super) fn concerns(&self, plan: &Plan, sections: &BTreeMap<String, String>) -> BTreeSet<String> {
        if table(&self.before) == table(&self.now) {
            return BTreeSet::new();
        }
        let concerned = |probe: Probe, spec: &Spec| {
            let section = match (probe, sections.get(&spec.name)) {
                // It reads the file only when it starts, and everybody is connected to it.
                (Probe::Broker | Probe::Registry, _) => return false,
                (_, Some(told)) => told,
                (Probe::Http(_), None) => skyloom_gateway::SECTION,
                // Nobody knows what it takes from the file.
                (Probe::Registered, None) => return self.is_read_by(spec),
            };
            self.is_read_by(spec) && self.means_another(spec, section)
        };
        let parts = plan.parts.iter().filter(|part| part.processes.iter().any(|spec| concerned(part.probe, spec)));
        parts.map(|part| part.name.clone()).collect()
    }

    /// The configuration by what the file says now, with these sources beside it.
    pub(super) fn settings(&self, sources: &Sources) -> Option<Settings> {
        Settings::load_text(sources, &self.now).ok()
    }

    /// Whether a process reads this file and no other.
    fn is_read_by(&self, spec: &Spec) -> bool {
        let named = spec.environment.get(FILE_VARIABLE);
        named.is_none_or(|named| absolute(&spec.directory, Path::new(named)) == self.path)
    }

    /// Whether the configuration of a process with this section is another one now, with its variables and its flags.
    fn means_another(&self, spec: &Spec, section: &str) -> bool {
        let mut sources = Sources {
            file: Some(self.path.clone()),
            service: Some(section.to_owned()),
            flags: spec.arguments.iter().skip_while(|argument| !argument.starts_with("--")).cloned().collect(),
            ..Sources::of_process(None)
        };
        sources.environment.extend(spec.environment.clone());
        let both = |sources: &Sources| {
            let read = |text: &str| Settings::load_text(sources, text).ok();
            Some((read(&self.before)?, read(&self.now)?))
        };
        // A program may have arguments that are none of the configuration's.
        let both = both(&sources).or_else(|| both(&Sources { flags: Vec::new(), ..sources }));
        both.is_none_or(|(before, now)| !before.changes(&now).is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use skyloom::Endpoints;

    use super::{super::file::ClusterFile, *};

    /// Who is concerned by each of these texts, one after the other.
    fn concerned(cluster: &str, sections: &[(&str, &str)], texts: &[&str]) -> Vec<Result<String, String>> {
        let directory = tempfile::tempdir().unwrap();
        let file = ClusterFile::parse(cluster).unwrap();
        let plan = Plan::new(&file, directory.path(), &Endpoints::new("unix:/x")).unwrap();
        let path = directory.path().join("skyloom.toml");
        let mut settings = SettingsFile::new(path.clone());
        let sections = sections.iter().map(|(name, section)| ((*name).to_owned(), (*section).to_owned())).collect();
        let look = |text: &&str| {
            fs::write(&path, text).unwrap();
            let revision = settings.look(false)?;
            let parts = revision.map(|revision| revision.concerns(&plan, &sections)).unwrap_or_default();
            Ok(parts.into_iter().collect::<Vec<_>>().join(" "))
        };
        texts.iter().map(look).collect()
    }

    const FILE: &str = "[broker]\n[gateway]\n[services.a]\ncommand = ['sh']\n[services.b]\ncommand = ['sh']\n\
                        instances = 2\n[services.own]\ncommand = ['sh']\nenv = { SKYLOOM_CONFIG = 'own.toml' }\n";

    #[test]
    fn a_change_concerns_those_whose_configuration_it_changes() {
        let sections = [("a.1", "a@1"), ("b.1", "b@1"), ("b.2", "b@1"), ("own.1", "a@1"), ("gateway", "gateway@1")];
        let a = "[service.'a@1']\nlease = '3s'\n";
        let texts = [
            ("# nothing\n", ""),
            (a, "a"),
            ("# a note\n[service.'a@1']\nlease = '3s'\n", ""),
            (&format!("{a}[service.'c@1']\nlease = '4s'\n"), ""),
            (&format!("{a}[service]\nlease = '4s'\n"), "b gateway"),
            (&format!("{a}[default]\nlease = '4s'\n"), ""),
            (&format!("{a}[default]\nlease = '4s'\nlog = 'debug'\n"), "a b gateway"),
            (&format!("{a}settings = {{ greeting = 'Hi' }}\n[default]\nlease = '4s'\nlog = 'debug'\n"), "a"),
            ("[service.'b@1']\nlease = '4s'\n[service.'gateway@1']\nlease = '4s'\n[default]\nlog = 'debug'\n", "a"),
        ];
        let found = concerned(FILE, &sections, &texts.map(|(text, _)| text));
        assert_eq!(found, texts.map(|(_, parts)| Ok(parts.to_owned())));
    }

    #[test]
    fn what_a_variable_or_a_flag_says_is_not_changed_by_the_file() {
        let file = "[gateway]\n[services.a]\ncommand = ['sh']\nenv = { SKYLOOM_LEASE = '9s' }\n[services.b]\n\
                    command = ['sh', '--lease=9s']\n[services.c]\ncommand = ['sh', '--mine']\n";
        let sections = [("a.1", "a@1"), ("b.1", ""), ("c.1", "c@1")];
        let texts = [
            "[default]\nlease = '1s'\n",
            "[default]\nlisten = '127.0.0.1:1'\nlease = '1s'\n",
            "[default]\nlisten = '127.0.0.1:1'\nbroker = 'nats://a'\nlease = '1s'\n",
        ];
        let found: Vec<String> = concerned(file, &sections, &texts).into_iter().map(Result::unwrap).collect();
        assert_eq!(found, ["c gateway", "a b c", ""]);
    }

    #[test]
    fn of_whom_nothing_is_known_everything_may_concern() {
        let other = "[service.'c@1']\nlease = '4s'\n";
        assert_eq!(concerned(FILE, &[("a.1", "a@1")], &[other]), [Ok("b".to_owned())]);
    }

    #[test]
    fn a_mistake_is_told_once_and_what_it_is_mended_to_is_compared_with_what_was_before() {
        let good = "[default]\nlog = 'debug'\n";
        let texts = [good, "[default]\nlgo = 'debug'\n", "[default]\nlgo = 'debug'\n", good, ""];
        let found = concerned(FILE, &[], &texts);
        let mistake = found[1].as_ref().unwrap_err();
        assert!(mistake.contains("skyloom.toml, line 2") && mistake.contains("\"log\""), "{mistake}");
        let all = Ok("a b gateway".to_owned());
        assert_eq!([&found[0], &found[2], &found[3], &found[4]], [&all, &Ok(String::new()), &Ok(String::new()), &all]);
    }

    #[test]
    fn a_mistake_is_told_again_to_whoever_asks_and_its_repair_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("skyloom.toml");
        let mut settings = SettingsFile::new(path.clone());
        assert_eq!(settings.look(true), Ok(None));
        fs::write(&path, "[default]\nlgo = 'debug'\n").unwrap();
        let told = settings.look(false).unwrap_err();
        assert_eq!(settings.look(false), Ok(None));
        assert_eq!(settings.look(true), Err(told));
        fs::remove_file(&path).unwrap();
        assert!(settings.look(false).unwrap().is_some(), "it is mended, and says what it said before");
        assert_eq!(settings.look(true), Ok(None));
    }

    #[test]
    fn one_that_cannot_be_read_changes_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("skyloom.toml");
        fs::write(&path, "[default]\nlog = 'debug'\n").unwrap();
        let mut settings = SettingsFile::new(path.clone());
        fs::write(&path, b"[default]\nlog = '\xff'\n").unwrap();
        let told = settings.look(false).unwrap_err();
        assert!(told.starts_with(&format!("cannot read {}: ", path.display())), "{told}");
        fs::write(&path, "[default]\nlog = 'info'\n").unwrap();
        let revision = settings.look(false).unwrap().unwrap();
        assert_eq!(revision.before, "[default]\nlog = 'debug'\n");
    }
}
