//! `skyloom.toml`, which the processes of a cluster read when they start.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use skyloom::config::{FILE_VARIABLE, Settings, Sources};
use toml::Table;

use super::{plan::Plan, probe::Probe};

/// Its usual name.
const USUAL: &str = "skyloom.toml";

/// The file as the processes that run have read it.
pub(super) struct SettingsFile {
    path: PathBuf,
    /// As it was when it was well-formed last; none if it is not there.
    read: Option<String>,
    /// As it was seen last.
    seen: Option<String>,
}

/// Who reads what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// The services.
    Services,
    /// The services and the gateway.
    All,
}

impl Readers {
    /// The parts of a plan that are concerned, as far as they read this file and no other.
    pub(super) fn of(self, plan: &Plan) -> BTreeSet<String> {
        let reads = |probe: Probe| match probe {
            Probe::Registered => true,
            Probe::Http(_) => self == Self::All,
            Probe::Broker | Probe::Registry => false,
        };
        let reading = plan.parts.iter().filter(|part| {
            reads(part.probe) && !part.processes.iter().any(|spec| spec.environment.contains_key(FILE_VARIABLE))
        });
        reading.map(|part| part.name.clone()).collect()
    }
}

impl SettingsFile {
    /// The file of processes that run in this directory, as it is now.
    pub(super) fn new(directory: &Path) -> Self {
        let path = Self::place(directory);
        let read = fs::read_to_string(&path).ok();
        Self { path, seen: read.clone(), read }
    }

    /// Where processes that run in this directory look for it.
    pub(super) fn place(directory: &Path) -> PathBuf {
        directory.join(env::var_os(FILE_VARIABLE).map_or_else(|| USUAL.into(), PathBuf::from))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at it again. Who is concerned by what has changed, if anybody is.
    ///
    /// # Errors
    /// A mistake in it that has not been told yet. What it was before counts until it is mended.
    pub(super) fn look(&mut self) -> Result<Option<Readers>, String> {
        let text = fs::read_to_string(&self.path).ok();
        if text == self.seen {
            return Ok(None);
        }
        self.seen.clone_from(&text);
        if text.is_some() {
            let file = Sources { file: Some(self.path.clone()), ..Sources::default() };
            Settings::load(&file).map_err(|error| error.to_string())?;
        }
        let before = std::mem::replace(&mut self.read, text);
        let [before, now] = [&before, &self.read].map(|text| text.as_deref().map(table).unwrap_or_default());
        Ok(match (before == now, before.get("default") == now.get("default")) {
            (true, _) => None,
            (false, true) => Some(Readers::Services),
            (false, false) => Some(Readers::All),
        })
    }
}

fn table(text: &str) -> Table {
    // It was well-formed when it was read.
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use skyloom::Endpoints;

    use super::{super::file::ClusterFile, *};

    #[test]
    fn a_change_concerns_those_who_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = SettingsFile::new(directory.path());
        let mut look = |text: &str| {
            fs::write(directory.path().join(USUAL), text).unwrap();
            file.look()
        };
        assert_eq!(look("# nothing\n"), Ok(None));
        assert_eq!(look("[default]\nlog = 'debug'\n"), Ok(Some(Readers::All)));
        assert_eq!(look("# a note\n[default]\nlog = 'debug'\n"), Ok(None));
        assert_eq!(look("[default]\nlog = 'debug'\n[service.'a@1']\nlease = '3s'\n"), Ok(Some(Readers::Services)));
        // A mistake is told once, and what it is mended to is compared with what was before.
        let mistake = look("[default]\nlgo = 'debug'\n").unwrap_err();
        assert!(mistake.contains("skyloom.toml, line 2") && mistake.contains("\"log\""), "{mistake}");
        assert_eq!(look("[default]\nlgo = 'debug'\n"), Ok(None));
        assert_eq!(look("[default]\nlog = 'debug'\n[service.'a@1']\nlease = '3s'\n"), Ok(None));
        fs::remove_file(directory.path().join(USUAL)).unwrap();
        assert_eq!(file.look(), Ok(Some(Readers::All)));
    }

    #[test]
    fn who_has_a_file_of_its_own_is_not_concerned() {
        let text = "[broker]\n[gateway]\n[services.a]\ncommand = ['sh']\n[services.b]\ncommand = ['sh']\n\
                    env = { SKYLOOM_CONFIG = 'b.toml' }\n";
        let plan = ClusterFile::parse(text).unwrap();
        let plan = Plan::new(&plan, Path::new("/srv"), &Endpoints::new("unix:/x")).unwrap();
        assert_eq!(Readers::Services.of(&plan), BTreeSet::from(["a".to_owned()]));
        assert_eq!(Readers::All.of(&plan), BTreeSet::from(["a".to_owned(), "gateway".to_owned()]));
    }
}
