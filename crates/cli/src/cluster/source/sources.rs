//! The programs of a cluster that are built from their sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::place::absolute,
    compile::{Show, compile},
    fingerprint::Fingerprint,
    metadata::{Depth, Metadata, NO_MANIFEST},
    program::{Asked, Program, find},
    watcher::Watcher,
};
use crate::text::why;

/// What the cluster file says about a program that is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Wanted {
    /// The part of the cluster that it is, such as `orders`.
    pub(in super::super) part: String,
    /// Where its `Cargo.toml` is, if not in or above the cluster file's folder.
    pub(in super::super) source: Option<String>,
    /// The package.
    pub(in super::super) package: Option<String>,
    /// The program, if the package has several.
    pub(in super::super) bin: Option<String>,
}

impl Wanted {
    /// What cargo says that knows nothing of the place, with what to do if there is nothing.
    fn without_metadata(&self, said: String) -> String {
        let (key, advice) = match self.source {
            Some(_) => ("source", "name the folder that a Cargo.toml is in"),
            None => ("package", "say where the package is, with source = \"FOLDER\""),
        };
        if said.starts_with(NO_MANIFEST) { format!("{key}: {said}; {advice}") } else { said }
    }
}

/// The programs and where they are.
#[derive(Debug)]
pub(in super::super) struct Sources {
    release: bool,
    programs: BTreeMap<String, Program>,
    files: BTreeMap<Program, PathBuf>,
    running: BTreeMap<Program, Fingerprint>,
}

/// What of a part cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {sentence}")]
pub(in super::super) struct Unfound {
    /// The part's name in the file.
    pub(in super::super) part: String,
    /// What is wrong.
    pub(in super::super) sentence: String,
}

/// How a build ended.
#[derive(Debug)]
pub(in super::super) struct Outcome {
    /// Whether all programs are there.
    pub(in super::super) succeeded: bool,
    /// Warnings and errors, if they were collected.
    pub(in super::super) said: String,
}

impl Sources {
    /// Whether nothing is to be built.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Finds the programs. A package is looked for in the workspace of the cluster file's folder, to which a `source` is
    /// relative.
    ///
    /// # Errors
    /// What of a part cannot be found.
    pub(in super::super) async fn find(wanted: &[Wanted], folder: &Path, release: bool) -> Result<Self, Unfound> {
        let mut known: BTreeMap<PathBuf, Metadata> = BTreeMap::new();
        let mut programs = BTreeMap::new();
        for wanted in wanted {
            let place = absolute(folder, Path::new(wanted.source.as_deref().unwrap_or_default()));
            let named = |sentence: String| Unfound { part: wanted.part.clone(), sentence };
            if !place.is_dir() {
                let shown = place.display();
                return Err(named(match place.exists() {
                    true => format!("source: {shown} is no folder; name the one that its Cargo.toml is in"),
                    false => format!("source: {shown} does not exist; name the folder that a Cargo.toml is in"),
                }));
            }
            let metadata = match known.entry(place.clone()) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let found = Metadata::of(&place, Depth::Members).await;
                    entry.insert(found.map_err(|said| named(wanted.without_metadata(said)))?)
                }
            };
            let asked = Asked { directory: &place, package: wanted.package.as_deref(), bin: wanted.bin.as_deref() };
            programs.insert(wanted.part.clone(), find(metadata, asked).map_err(named)?);
        }
        Ok(Self { release, programs, files: BTreeMap::new(), running: BTreeMap::new() })
    }

    /// The programs of a file that has changed. What is known of those that were built stays known.
    ///
    /// # Errors
    /// As for [`Sources::find`].
    pub(in super::super) async fn find_others(&self, wanted: &[Wanted], folder: &Path) -> Result<Self, Unfound> {
        let found = Self::find(wanted, folder, self.release).await?;
        Ok(Self { files: self.files.clone(), running: self.running.clone(), ..found })
    }

    /// The names of the parts.
    pub(in super::super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.programs.keys().map(String::as_str)
    }

    /// The files of the parts' programs, as far as they are built.
    pub(in super::super) fn built(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.programs.iter().filter_map(|(part, program)| Some((part.as_str(), self.files.get(program)?.as_path())))
    }

    /// Builds all of them, as far as they have changed.
    ///
    /// # Errors
    /// If cargo cannot be run.
    pub(in super::super) async fn build(&mut self, show: Show) -> Result<Outcome, String> {
        let mut outcome = Outcome { succeeded: true, said: String::new() };
        let workspaces: BTreeSet<PathBuf> = self.programs.values().map(|program| program.workspace.clone()).collect();
        for workspace in workspaces {
            let programs: BTreeSet<&Program> =
                self.programs.values().filter(|program| program.workspace == workspace).collect();
            let programs: Vec<&Program> = programs.into_iter().collect();
            let built = compile(&workspace, &programs, self.release, show).await?;
            let complete = programs.iter().all(|program| built.programs.contains_key(*program));
            outcome.succeeded &= built.succeeded && complete;
            outcome.said.push_str(&built.said);
            self.files.extend(built.programs);
        }
        Ok(outcome)
    }

    /// The parts whose program is another one than when this was asked last.
    ///
    /// # Errors
    /// If a program cannot be read.
    pub(in super::super) fn renewed(&mut self) -> Result<BTreeSet<String>, String> {
        let (mut renewed, mut seen) = (BTreeSet::new(), Vec::new());
        let programs: BTreeSet<&Program> = self.programs.values().collect();
        for (program, file) in programs.into_iter().filter_map(|program| self.files.get_key_value(program)) {
            let unreadable = |error: std::io::Error| format!("cannot read {}: {}", file.display(), why(&error));
            let before = self.running.get(program);
            let now = before.map_or_else(|| Fingerprint::of(file), |before| before.again(file)).map_err(unreadable)?;
            if !before.is_some_and(|before| now.is(before)) {
                let parts = self.programs.iter().filter(|(_, other)| *other == program);
                renewed.extend(parts.map(|(part, _)| part.clone()));
            }
            seen.push((program.clone(), now));
        }
        // Only now: whoever cannot be told of one of them asks again for all.
        self.running.extend(seen);
        Ok(renewed)
    }

    /// The directories of all sources of this machine that the programs are made of, and the files that say how.
    ///
    /// # Errors
    /// If cargo cannot tell.
    async fn places(&self) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), String> {
        let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
        let workspaces: BTreeSet<&PathBuf> = self.programs.values().map(|program| &program.workspace).collect();
        for workspace in workspaces {
            let metadata = Metadata::of(workspace, Depth::All).await?;
            let ids = self.programs.values().filter(|program| program.workspace == *workspace);
            folders.extend(metadata.directories(&ids.map(|program| program.package.as_str()).collect()));
            files.insert(workspace.join("Cargo.toml"));
        }
        Ok((folders, files))
    }

    /// The files that the programs were made of, as far as they are built: cargo writes them beside each program.
    fn inputs(&self) -> BTreeSet<PathBuf> {
        let files = self.programs.values().filter_map(|program| self.files.get(program));
        let lists = files.filter_map(|file| fs::read_to_string(file.with_extension("d")).ok());
        lists.flat_map(|list| inputs(&list)).collect()
    }

    /// Watches the sources, and these files.
    ///
    /// # Errors
    /// If cargo cannot tell where they are, or the system does not let us.
    pub(in super::super) async fn watch(&self, more: &[PathBuf]) -> Result<Watcher, String> {
        let (folders, mut files) = self.places().await?;
        // Each may be a link to another.
        files.extend(more.iter().filter_map(|file| file.canonicalize().ok()));
        files.extend(more.iter().cloned());
        Watcher::new(folders, files)
    }

    /// Also watches what has become a source since.
    ///
    /// # Errors
    /// As for [`Sources::watch`].
    pub(in super::super) async fn watch_more(&self, watcher: &mut Watcher) -> Result<(), String> {
        let (folders, files) = self.places().await?;
        watcher.follow(folders, &files)
    }

    /// Also watches whatever else the programs were made of.
    ///
    /// # Errors
    /// As for [`Sources::watch`].
    pub(in super::super) fn watch_inputs(&self, watcher: &mut Watcher) -> Result<(), String> {
        watcher.made_of(self.inputs())
    }
}

/// The files in a list as `make` reads it: `program: file file`, with a backslash before a space in a name.
fn inputs(list: &str) -> Vec<PathBuf> {
    const SPACE: char = '\0';
    let list = list.replace("\\ ", &SPACE.to_string());
    let files = list.lines().filter_map(|line| line.split_once(": ")).flat_map(|(_, files)| files.split_whitespace());
    files.map(|file| PathBuf::from(file.replace(SPACE, " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_be_read_hides_no_other_that_is_new() {
        let directory = tempfile::tempdir().unwrap();
        let program = |name: &str| Program {
            workspace: directory.path().to_owned(),
            package: "shop".to_owned(),
            name: name.to_owned(),
        };
        let file = |name: &str| directory.path().join(name);
        let mut sources =
            Sources { release: false, programs: BTreeMap::new(), files: BTreeMap::new(), running: BTreeMap::new() };
        for name in ["a", "b"] {
            sources.programs.insert(name.to_owned(), program(name));
            sources.files.insert(program(name), file(name));
        }
        fs::write(file("a"), "1").unwrap();
        assert!(sources.renewed().unwrap_err().starts_with("cannot read "));
        fs::write(file("b"), "1").unwrap();
        assert_eq!(sources.renewed().unwrap().into_iter().collect::<Vec<_>>(), ["a", "b"]);
        fs::write(file("b"), "22").unwrap();
        assert_eq!(sources.renewed().unwrap().into_iter().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn what_a_program_is_made_of_is_read_from_cargos_list() {
        let list = "/ws/target/debug/orders: /ws/orders/src/main.rs /ws/a\\ b/words.txt\n";
        assert_eq!(inputs(list), [PathBuf::from("/ws/orders/src/main.rs"), PathBuf::from("/ws/a b/words.txt")]);
    }
}
