//! Events that are shown while lines are written.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinHandle;

use super::reader::Printer;
use crate::{
    commands::{Ear, ListenArgs},
    failure::Failure,
    output::{note, print},
    session::Session,
};

/// The most topics that are listened to at once.
const MOST: usize = 64;

/// The topics that are listened to.
pub(super) struct Ears {
    tasks: BTreeMap<String, JoinHandle<()>>,
    printer: Arc<Mutex<Option<Printer>>>,
}

impl Ears {
    /// None yet. Events are shown by this printer, or on standard output.
    pub(super) fn new(printer: Option<Printer>) -> Self {
        Self { tasks: BTreeMap::new(), printer: Arc::new(Mutex::new(printer)) }
    }

    /// Shows the events of a topic from now on.
    ///
    /// # Errors
    /// If the broker refuses, or there are too many.
    pub(super) async fn listen(&mut self, args: &ListenArgs, session: &Session) -> Result<(), Failure> {
        self.tasks.retain(|_, task| !task.is_finished());
        let mut ear = Ear::open(args, session).await?;
        let topic = ear.topic().to_owned();
        if self.tasks.len() >= MOST {
            return Err(Failure::usage(format!("{MOST} topics are listened to, and no more can be; see unlisten")));
        }
        let printer = Arc::clone(&self.printer);
        let name = topic.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = ear.next().await {
                if show(&printer, &format!("{name}  {event}\n")).is_err() {
                    return;
                }
            }
            if let Err(failure) = ear.ended() {
                note(&failure.to_string());
            }
        });
        if let Some(before) = self.tasks.insert(topic.clone(), task) {
            before.abort();
        }
        note(&format!("listening to {topic}; `unlisten {topic}` ends it"));
        Ok(())
    }

    /// Shows no more events of a topic, or of none.
    ///
    /// # Errors
    /// If it is not listened to.
    pub(super) async fn unlisten(&mut self, topic: Option<&str>) -> Result<(), Failure> {
        match topic {
            None => self.close().await,
            Some(topic) => match self.tasks.remove(topic) {
                Some(task) => task.abort(),
                None => {
                    let topics: Vec<&str> = self.tasks.keys().map(String::as_str).collect();
                    let topics = if topics.is_empty() { "nothing".to_owned() } else { topics.join(", ") };
                    return Err(Failure::usage(format!("{topic:?} is not listened to, but {topics} is")));
                }
            },
        }
        Ok(())
    }

    /// Waits until there is nothing more to hear.
    pub(super) async fn wait(&mut self) {
        while let Some((_, task)) = self.tasks.pop_first() {
            // It ends by itself, and is never aborted while it is waited for.
            drop(task.await);
        }
    }

    /// Ends all. Afterwards none listens any more.
    pub(super) async fn close(&mut self) {
        for (_, task) in std::mem::take(&mut self.tasks) {
            task.abort();
            // It says nothing but that it was aborted.
            drop(task.await);
        }
    }
}

fn show(printer: &Mutex<Option<Printer>>, line: &str) -> Result<(), Failure> {
    match printer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(printer) => printer.print(line.to_owned()).map_err(|_| Failure::OutputClosed),
        None => print(line),
    }
}
