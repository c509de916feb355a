//! Builds what a cluster file gives as packages, before it is used.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use tokio::sync::watch;

use super::{
    blueprint::Blueprint,
    file::ClusterFile,
    plan::Plan,
    signals::{Wish, wished},
    source::{Show, Sources, Watcher},
};
use crate::{
    failure::Failure,
    output::{Paint, note},
};

/// What is built, and how.
pub(super) struct Build<'a> {
    /// How the cluster file is read.
    pub(super) blueprint: &'a Blueprint,
    /// With optimisations.
    pub(super) release: bool,
    /// The sources are followed from then on, together with these files, and a failure waits for their repair.
    pub(super) follow: Option<Vec<PathBuf>>,
    /// Whether errors are coloured.
    pub(super) paint: Paint,
}

impl Build<'_> {
    /// Builds, and tells the plan where the programs are; what was built, and what follows it from then on, if that is
    /// wished.
    ///
    /// # Errors
    /// A package that is not there; that it does not build, or is to end meanwhile, so that nothing was `done`.
    pub(super) async fn run(
        &self,
        file: &mut ClusterFile,
        plan: &mut Plan,
        done: &str,
        wishes: &mut watch::Receiver<Wish>,
    ) -> Result<(Sources, Option<Watcher>), Failure> {
        tokio::select! {
            built = self.built(file, plan, done) => built,
            // What cargo has started ends with it.
            () = wished(wishes, Wish::Drain) => {
                Err(Failure::Failed(format!("ended before it was built: nothing was {done}")))
            }
        }
    }

    async fn built(
        &self,
        file: &mut ClusterFile,
        plan: &mut Plan,
        done: &str,
    ) -> Result<(Sources, Option<Watcher>), Failure> {
        let blueprint = self.blueprint;
        let sources = Sources::find(&file.wanted(), blueprint.place.folder(), self.release).await;
        let mut sources = sources.map_err(|mistake| blueprint.unfound(file, &mistake))?;
        // It watches before it builds, so that no change is missed.
        let mut watcher = match &self.follow {
            Some(files) => Some(sources.watch(files).await.map_err(|sentence| blueprint.wrong(&sentence))?),
            None => None,
        };
        while !sources.is_empty() && !build(&mut sources, self.paint).await? {
            let failed = format!("the build failed, so nothing was {done}");
            let Some(watcher) = &mut watcher else { return Err(Failure::Failed(failed)) };
            note(&format!("{failed}; a change of the sources or of the cluster file tries again"));
            watcher.changed().await;
            match self.read_again(file, &sources).await {
                Ok(Some((other, planned, found))) => {
                    (*file, *plan, sources) = (other, planned, found);
                    sources.watch_more(watcher).await.unwrap_or_else(|sentence| note(&sentence));
                }
                Ok(None) => {}
                Err(failure) => note(&failure.to_string()),
            }
        }
        sources.renewed().map_err(Failure::failed)?;
        if let Some(watcher) = &mut watcher
            && let Err(sentence) = sources.watch_inputs(watcher)
        {
            note(&sentence);
        }
        plan.built(sources.built());
        Ok((sources, watcher))
    }

    /// What the cluster file says, if it says something else than this by now: what cannot be built may be another, or be
    /// wanted no more. What would take a restart is told once the cluster runs.
    async fn read_again(
        &self,
        file: &ClusterFile,
        sources: &Sources,
    ) -> Result<Option<(ClusterFile, Plan, Sources)>, Failure> {
        let blueprint = self.blueprint;
        let (other, _) = blueprint.changed_file(&ClusterFile::text(blueprint.place.given())?, file)?;
        if other == *file {
            return Ok(None);
        }
        let plan = blueprint.plan(&other)?;
        let found = sources.find_others(&other.wanted(), blueprint.place.folder()).await;
        let found = found.map_err(|mistake| blueprint.unfound(&other, &mistake))?;
        Ok(Some((other, plan, found)))
    }
}

/// Whether all programs were built. On a terminal cargo shows how far it is.
async fn build(sources: &mut Sources, paint: Paint) -> Result<bool, Failure> {
    note(&format!("building {}", sources.parts().collect::<Vec<_>>().join(", ")));
    let is_terminal = std::io::stderr().is_terminal();
    let show = if is_terminal { Show::AsItComes } else { Show::Collected { colored: paint.is_on() } };
    let outcome = sources.build(show).await.map_err(Failure::failed)?;
    // If standard error is closed, nobody wants to read it.
    drop(std::io::stderr().lock().write_all(outcome.said.as_bytes()));
    Ok(outcome.succeeded)
}
