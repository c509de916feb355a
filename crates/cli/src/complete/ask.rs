//! Asks the running cluster for its names while somebody waits with a finger on the Tab key.

use std::{sync::Arc, time::Duration};

use clap::Command;
use clap_complete::CompleteEnv;

use super::{Names, command::VARIABLE, with_names};
use crate::session::{Global, Session};

/// Completion without names is better than a shell that stands still.
const PATIENCE: Duration = Duration::from_millis(400);

/// The names of the cluster that this command line, as far as it is written, is about; none if it does not answer.
fn names_of_cluster(words: impl IntoIterator<Item = String>) -> Names {
    let global = Global::of_words(words);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Names::default();
    };
    let ask = async {
        let session = Session::open(&global, PATIENCE).await.ok()?;
        let snapshot = session.snapshot().await.ok()?;
        session.close().await;
        Some(Names::of(&snapshot))
    };
    runtime.block_on(async { tokio::time::timeout(2 * PATIENCE, ask).await }).ok().flatten().unwrap_or_default()
}

/// Answers a shell that asks what may follow on a command line, and ends the process; does nothing if none asks.
pub(crate) fn answer(command: impl Fn() -> Command) {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return;
    }
    let words = || std::env::args_os().skip(2).map(|word| word.to_string_lossy().into_owned());
    let source: super::Source = Arc::new(move || names_of_cluster(words()));
    CompleteEnv::with_factory(|| with_names(command(), &source)).var(VARIABLE).bin("sky").complete();
}
