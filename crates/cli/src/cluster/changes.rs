//! What changes of a running cluster: its file, and the sources of its programs.

use std::{
    collections::BTreeSet,
    future::pending,
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;

use super::{
    blueprint::Blueprint,
    board::Board,
    difference::Difference,
    file::ClusterFile,
    logs::Logs,
    plan::Plan,
    settings_file::SettingsFile,
    source::{Show, Sources, Wanted, Watcher},
};

/// What a cluster was started as.
pub(super) struct Origins {
    /// How its file is read.
    pub(super) blueprint: Blueprint,
    /// Whether its file can be read but once, as a pipe can.
    pub(super) is_read_once: bool,
    /// The file's text.
    pub(super) text: String,
    /// What it says.
    pub(super) file: ClusterFile,
    /// The plan that it is, with the programs that were built.
    pub(super) plan: Plan,
    /// What was built.
    pub(super) sources: Sources,
    /// Follows the sources and the file, if that is wished.
    pub(super) watcher: Option<Watcher>,
}

/// Follows a running cluster's file and sources.
pub(super) struct Changes {
    blueprint: Blueprint,
    /// Whether the file can be read but once; then it stays as it was read.
    is_read_once: bool,
    /// The file's text as it was seen last; none if it could not be read.
    text: Option<String>,
    /// What it said when it was well-formed last.
    file: ClusterFile,
    /// What is wrong with it now.
    mistake: Option<String>,
    /// What the processes read when they start.
    settings: SettingsFile,
    /// The plan that runs.
    running: Plan,
    /// The plan that is to run, without the programs that are built.
    wished: Plan,
    sources: Sources,
    /// The parts whose program is another one than what runs.
    renewed: BTreeSet<String>,
    /// What the last build that succeeded was for.
    built: Vec<Wanted>,
    watcher: Option<Watcher>,
    /// Somebody asks for the file to be read.
    reload: Arc<Notify>,
    /// The file may have changed before anybody looked.
    unseen: bool,
    board: Board,
    logs: Logs,
    show: Show,
    /// What was shown last, so that it is not shown again.
    shown: String,
}

/// What has been noticed.
struct News {
    /// The cluster file may be another one.
    file: bool,
    /// The processes' settings may be others.
    settings: bool,
    /// Both were asked to be read.
    asked: bool,
    /// The sources that are others.
    sources: BTreeSet<PathBuf>,
}

impl Changes {
    /// Follows a cluster that has just been started and whose processes are on this board; `reload` asks for its file to
    /// be read.
    pub(super) fn new(origins: Origins, board: Board, reload: Arc<Notify>, logs: Logs, colored: bool) -> Self {
        let Origins { blueprint, is_read_once, text, file, plan, sources, watcher } = origins;
        Self {
            text: Some(text),
            built: file.wanted(),
            file,
            mistake: None,
            settings: SettingsFile::new(blueprint.place.settings_file()),
            blueprint,
            is_read_once,
            wished: plan.clone(),
            running: plan,
            sources,
            renewed: BTreeSet::new(),
            watcher,
            reload,
            unseen: !is_read_once,
            board,
            logs,
            show: Show::Collected { colored },
            shown: String::new(),
        }
    }

    /// Resolves when something else is to run: which plan, and what it differs in.
    pub(super) async fn next(&mut self) -> (&Plan, Difference) {
        loop {
            let news = self.news().await;
            let is_other = (news.file || self.mistake.is_some()) && self.look(news.asked).await;
            let is_set_otherwise = (news.settings || news.asked) && self.look_at_settings(news.asked);
            let (file, settings) = (self.name(), name(self.settings.path()));
            let opening = match (is_other, is_set_otherwise) {
                (true, _) if self.is_read_once => {
                    format!("{file} is no file that can be read again, and stays as it was")
                }
                (true, true) if news.asked => format!("{file} is read again and {settings} changed"),
                (true, true) => format!("{file} and {settings} changed"),
                (true, false) if news.asked => format!("{file} is read again"),
                (true, false) => format!("{file} changed"),
                (false, true) => format!("{settings} changed"),
                (false, false) if news.sources.is_empty() || self.sources.is_empty() => continue,
                (false, false) => self.changed_sources(&news.sources),
            };
            match self.change(opening, &news).await {
                Ok(Some(difference)) => return (&self.running, difference),
                Ok(None) => {}
                Err(sentence) => self.logs.say(&format!("{sentence}; what runs goes on")),
            }
        }
    }

    /// Waits until there is something to look at.
    async fn news(&mut self) -> News {
        let of_file = |asked: bool| News { file: true, settings: false, asked, sources: BTreeSet::new() };
        if mem::take(&mut self.unseen) {
            return of_file(false);
        }
        let changed = async {
            match &mut self.watcher {
                Some(watcher) => watcher.changed().await,
                None => pending().await,
            }
        };
        let mut sources = tokio::select! {
            changed = changed => changed,
            () = self.reload.notified() => return of_file(true),
        };
        let mut take = |place: &Path| {
            let (all, real) = (sources.len(), place.canonicalize().ok());
            sources.retain(|path| path != place && (real.is_none() || path.canonicalize().ok() != real));
            sources.len() < all
        };
        let (file, settings) = (take(&self.blueprint.place.file()), take(self.settings.path()));
        News { file, settings, asked: false, sources }
    }

    /// Reads the settings, if they are others or were asked for. Whether they say something else.
    fn look_at_settings(&mut self, asked: bool) -> bool {
        match self.settings.look(asked) {
            Ok(Some(revision)) => {
                self.renewed.extend(revision.concerns(&self.wished, &self.board.sections()));
                let settings = revision.settings(&self.blueprint.sources);
                let endpoints = settings.and_then(|settings| self.blueprint.endpoints(&self.file, &settings).ok());
                if endpoints.is_some_and(|endpoints| endpoints != self.running.endpoints) {
                    self.tell_restart(self.settings.path(), "the broker or the registry");
                }
                true
            }
            Ok(None) => false,
            Err(mistake) => {
                self.logs
                    .say(&format!("the settings of what runs stay as they are, for there is a mistake: {mistake}"));
                false
            }
        }
    }

    /// Reads the file, if it is another one or was asked for. Whether there is something to take from it.
    async fn look(&mut self, asked: bool) -> bool {
        if self.is_read_once {
            return asked;
        }
        let text = ClusterFile::text(self.blueprint.place.given());
        let is_other = self.text.as_ref() != text.as_ref().ok();
        // What it names may have come meanwhile.
        if !is_other && !asked && self.mistake.is_none() {
            return false;
        }
        self.text = text.as_ref().ok().cloned();
        let read = match text {
            Ok(text) => self.read(&text, is_other || asked).await,
            Err(failure) => Err(failure.to_string()),
        };
        let mistake = read.err();
        if let Some(mistake) = &mistake
            && (is_other || asked || self.mistake.as_ref() != Some(mistake))
        {
            self.logs.say(&format!("the cluster stays as it is, for its file has a mistake: {mistake}"));
        }
        self.mistake = mistake;
        self.mistake.is_none()
    }

    /// Takes over what the file says, if all that it names is there.
    async fn read(&mut self, text: &str, aloud: bool) -> Result<(), String> {
        let (file, kept) = self.blueprint.changed_file(text, &self.file).map_err(|failure| failure.to_string())?;
        let plan = self.blueprint.plan(&file).map_err(|failure| failure.to_string())?;
        let wanted = file.wanted();
        if wanted != self.file.wanted() {
            let found = self.sources.find_others(&wanted, self.blueprint.place.folder()).await;
            self.sources = found.map_err(|mistake| self.blueprint.unfound(&file, &mistake).to_string())?;
            self.watch_more().await;
        }
        (self.file, self.wished) = (file, plan);
        if aloud && !kept.is_empty() {
            self.tell_restart(self.blueprint.place.given(), &kept.join(", "));
        }
        Ok(())
    }

    /// Says that something in a file cannot change while the cluster runs.
    fn tell_restart(&self, file: &Path, what: &str) {
        self.logs.say(&format!(
            "what {} says about {what} takes a restart: end the cluster and start it again; until then that stays as \
             it is",
            name(file)
        ));
    }

    /// What the file is called.
    fn name(&self) -> String {
        name(self.blueprint.place.given())
    }

    async fn watch_more(&mut self) {
        if let Some(watcher) = &mut self.watcher
            && let Err(sentence) = self.sources.watch_more(watcher).await
        {
            self.logs.say(&sentence);
        }
    }

    /// Builds what is to be built, and compares what is to run with what runs: the difference, if there is one, if only
    /// in what waits for what. Says what is done, after the `opening`.
    async fn change(&mut self, opening: String, news: &News) -> Result<Option<Difference>, String> {
        let wanted = self.file.wanted();
        let builds = news.asked || !news.sources.is_empty() || wanted != self.built;
        let (opening, nothing) = if builds && !self.sources.is_empty() {
            self.logs.say(&format!("{opening}; building"));
            let built = self.build().await;
            if news.sources.iter().any(|path| path.ends_with("Cargo.toml")) {
                self.watch_more().await;
            }
            self.renewed.extend(built?);
            ("built".to_owned(), "no program has changed")
        } else {
            (opening, "nothing that runs is concerned")
        };
        self.built = wanted;
        let mut plan = self.wished.clone();
        plan.built(self.sources.built());
        let difference = Difference::between(&self.running, &plan, &mem::take(&mut self.renewed));
        let differs = !difference.is_empty() || plan != self.running;
        self.running = plan;
        let what = if difference.is_empty() { nothing.to_owned() } else { difference.to_string() };
        self.logs.say(&format!("{opening}; {what}"));
        Ok(differs.then_some(difference))
    }

    /// Builds; the parts whose program is another one.
    async fn build(&mut self) -> Result<BTreeSet<String>, String> {
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
        if let Some(watcher) = &mut self.watcher
            && let Err(sentence) = self.sources.watch_inputs(watcher)
        {
            self.logs.say(&sentence);
        }
        self.sources.renewed()
    }

    /// Says which sources have changed.
    fn changed_sources(&self, changed: &BTreeSet<PathBuf>) -> String {
        let first = changed.first().map(PathBuf::as_path).unwrap_or(Path::new("a source"));
        let first = first.strip_prefix(self.blueprint.place.folder()).unwrap_or(first).display();
        let more = match changed.len() {
            0 | 1 => String::new(),
            number => format!(" and {} more", number - 1),
        };
        format!("{first}{more} changed")
    }
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().display().to_string()
}
