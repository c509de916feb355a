//! `sky up --watch`: builds what has changed and has it replaced.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
};

use tokio::sync::watch;

use super::{
    logs::Logs,
    source::{Show, Sources, Watcher},
};

/// Follows the sources of a running cluster.
pub(super) struct Rebuild {
    sources: Sources,
    watcher: Watcher,
    logs: Logs,
    show: Show,
    directory: PathBuf,
    /// The cluster file, which is read at the start only.
    file: PathBuf,
    /// By part: changes when its program is another one.
    builds: BTreeMap<String, watch::Sender<u64>>,
    /// What was shown last, so that it is not shown again.
    shown: String,
}

impl Rebuild {
    /// Follows these sources of the cluster of this file, which have just been built; paths are shown relative to
    /// `directory`.
    pub(super) fn new(
        (sources, watcher): (Sources, Watcher),
        logs: Logs,
        colored: bool,
        directory: PathBuf,
        file: &Path,
    ) -> Self {
        let builds = sources.parts().map(|part| (part.to_owned(), watch::Sender::new(0))).collect();
        let show = Show::Collected { colored };
        let file = directory.join(file);
        let file = file.canonicalize().unwrap_or(file);
        Self { sources, watcher, logs, show, directory, file, builds, shown: String::new() }
    }

    /// Tells when the program of a part is another one; nothing if it is not built.
    pub(super) fn follow(&self, part: &str) -> Option<watch::Receiver<u64>> {
        self.builds.get(part).map(watch::Sender::subscribe)
    }

    /// Builds whenever a source changes.
    pub(super) async fn run(mut self) -> Infallible {
        loop {
            let mut changed = self.watcher.changed().await;
            let before = changed.len();
            changed.retain(|path| path.canonicalize().ok().as_ref() != Some(&self.file));
            if changed.len() < before {
                let file = self.file.file_name().unwrap_or_default().display();
                self.logs.say(&format!("{file} changed; it is read when the cluster is started anew"));
                if changed.is_empty() {
                    continue;
                }
            }
            let first = changed.first().map(PathBuf::as_path).unwrap_or(Path::new("a source"));
            let first = first.strip_prefix(&self.directory).unwrap_or(first).display();
            let more = match changed.len() {
                0 | 1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            self.logs.say(&format!("{first}{more} changed; building"));
            match self.build().await {
                Ok(said) => self.logs.say(&said),
                Err(sentence) => self.logs.say(&format!("{sentence}; what runs goes on")),
            }
            if changed.iter().any(|path| path.ends_with("Cargo.toml"))
                && let Err(sentence) = self.sources.watch_more(&mut self.watcher).await
            {
                self.logs.say(&sentence);
            }
        }
    }

    /// Builds and has replaced what has changed; says what it was.
    async fn build(&mut self) -> Result<String, String> {
        let outcome = self.sources.build(self.show).await?;
        let is_news = outcome.said != self.shown;
        if is_news {
            self.logs.show(&outcome.said);
        }
        self.shown = outcome.said;
        if !outcome.succeeded {
            let how = if is_news { "the build failed" } else { "the build failed with the same errors as before" };
            return Err(how.to_owned());
        }
        if let Err(sentence) = self.sources.watch_inputs(&mut self.watcher) {
            self.logs.say(&sentence);
        }
        let renewed = self.sources.renewed()?;
        for part in &renewed {
            if let Some(build) = self.builds.get(part) {
                build.send_modify(|number| *number += 1);
            }
        }
        if renewed.is_empty() {
            return Ok("built; no program has changed".to_owned());
        }
        let parts: Vec<String> = renewed.into_iter().collect();
        Ok(format!("built; replacing {}", parts.join(", ")))
    }
}
