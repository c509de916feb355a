//! Where lines come from: a terminal, with history and completion, or anything else.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    path::PathBuf,
    sync::mpsc as blocking,
    thread,
};

use rustyline::{CompletionType, Config, Editor, ExternalPrinter, error::ReadlineError, history::DefaultHistory};
use skyloom::registry::Watch;
use tokio::sync::mpsc;

use super::candidates::Candidates;
use crate::{failure::Failure, output::note, text::why};

/// What is written before a line.
const PROMPT: &str = "sky> ";

/// So many lines are remembered.
const REMEMBERED: usize = 1_000;

/// The longest line that is read from what is no terminal: the largest message, and its command.
const LONGEST: u64 = (8 << 20) + 4_096;

/// Prints while a line is being written, above it.
pub(super) type Printer = Box<dyn ExternalPrinter + Send>;

/// Gives lines, one at a time. Reading waits, so that it has a thread of its own.
pub(super) struct Reader {
    lines: mpsc::Receiver<String>,
    go: blocking::SyncSender<()>,
    /// Prints events; on a terminal.
    pub(super) printer: Option<Printer>,
    /// Whether a person writes the lines.
    pub(super) is_terminal: bool,
}

impl Reader {
    /// Reads standard input from now on.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    pub(super) fn start(watch: Watch) -> Result<Self, Failure> {
        let (sender, lines) = mpsc::channel(1);
        let (go, ready) = blocking::sync_channel(1);
        if !io::stdin().is_terminal() {
            thread::spawn(move || read_plain(&sender, &ready));
            return Ok(Self { lines, go, printer: None, is_terminal: false });
        }
        let unusable = |error: ReadlineError| Failure::failed(format!("cannot use this terminal: {error}"));
        let mut editor = editor(watch).map_err(unusable)?;
        // Without it events are printed beside the line that is being written.
        let printer = editor.create_external_printer().ok().map(|printer| Box::new(printer) as Printer);
        thread::spawn(move || read_terminal(editor, &sender, &ready));
        Ok(Self { lines, go, printer, is_terminal: true })
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Option<String> {
        // If the thread has ended, there is no line either.
        let _ = self.go.try_send(());
        self.lines.recv().await
    }
}

fn editor(watch: Watch) -> rustyline::Result<Editor<Candidates, DefaultHistory>> {
    let config = Config::builder().max_history_size(REMEMBERED)?.history_ignore_dups(true)?;
    // A line that begins with a space is not remembered, as in a shell: it may hold a secret.
    let config = config.history_ignore_space(true).completion_type(CompletionType::List).auto_add_history(true);
    let mut editor = Editor::with_config(config.build())?;
    editor.set_helper(Some(Candidates(watch)));
    Ok(editor)
}

fn read_terminal(
    mut editor: Editor<Candidates, DefaultHistory>,
    sender: &mpsc::Sender<String>,
    ready: &blocking::Receiver<()>,
) {
    let history = history_file();
    if let Some(history) = &history {
        // There is none the first time.
        drop(editor.load_history(history));
    }
    while ready.recv().is_ok() {
        let line = loop {
            match editor.readline(PROMPT) {
                // Ctrl-C gives up the line.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                other => break other,
            }
        };
        let line = match line {
            Ok(line) => line,
            Err(ReadlineError::Eof) => return,
            Err(error) => return note(&format!("cannot read the terminal: {error}")),
        };
        if let Some(history) = &history
            && let Err(error) = editor.append_history(history)
        {
            say_once(&error, history);
        }
        if sender.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Says once that lines are not remembered.
fn say_once(error: &ReadlineError, history: &std::path::Path) {
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| note(&format!("lines are not remembered in {}: {error}", history.display())));
}

/// `skyloom/shell_history` in the user's directory for state, which is made if it is missing.
fn history_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?.join("skyloom");
    fs::create_dir_all(&state).ok()?;
    Some(state.join("shell_history"))
}

fn read_plain(sender: &mpsc::Sender<String>, ready: &blocking::Receiver<()>) {
    let mut input = io::stdin().lock();
    while ready.recv().is_ok() {
        let mut line = Vec::new();
        match (&mut input).take(LONGEST).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) => return,
            Err(error) => return note(&format!("cannot read standard input: {}", why(&error))),
        }
        if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}
