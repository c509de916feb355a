//! The command `sky shell`.

use super::{
    action::{Action, Line, Said},
    ears::Ears,
    reader::Reader,
    words::split,
};
use crate::{
    commands::{Question, ask},
    failure::Failure,
    output::{at_prompt, note, print},
    session::{ASKING, Global, Session, within},
    text::counted,
};

/// A prompt for the cluster: call, cast, listen and look, with completion and history
///
/// The commands are those of `sky` itself, on one connection; `help` lists them. Tab completes services, methods,
/// the fields of their messages, topics and instances. Events of what `listen` names are shown as they come. Ctrl-C
/// stops a stream, or whatever else runs; Ctrl-D leaves. Lines that are no terminal's are read, too, one after the
/// other; then the exit code is 1 if one of them failed. Lines are remembered in skyloom/shell_history, in
/// XDG_STATE_HOME or ~/.local/state, but not those that begin with a space.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ShellArgs {}

/// Reads lines and does what they say, until their end.
///
/// # Errors
/// If there is no broker, or if lines that are no terminal's failed.
pub(crate) async fn shell(_: &ShellArgs, global: &Global) -> Result<(), Failure> {
    let session = Session::open(global, ASKING).await?;
    let result = run(&session, global).await;
    session.close().await;
    result
}

async fn run(session: &Session, global: &Global) -> Result<(), Failure> {
    at_prompt(Line::commands());
    let watch = within(session.connection().registry.watch()).await??;
    let services = watch.borrow().contracts.len();
    let mut reader = Reader::start(watch)?;
    if reader.is_terminal {
        let broker = session.connection().address();
        let services = counted(services, "service");
        note(&format!("{services} at {broker}; `help` lists what to write, Tab completes, Ctrl-D leaves"));
    }
    let mut ears = Ears::new(reader.printer.take());
    let mut failures = 0_u64;
    let mut quit = false;
    loop {
        let line = tokio::select! {
            line = reader.next() => line,
            // A terminal's line editor hears it itself.
            _ = tokio::signal::ctrl_c(), if !reader.is_terminal => {
                quit = true;
                None
            }
        };
        let Some(line) = line else { break };
        match one(&line, session, global, &mut ears).await {
            Ok(Next::Line) => {}
            Ok(Next::End) => {
                quit = true;
                break;
            }
            Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
            Err(failure) => {
                failures += 1;
                note(&failure.to_string());
            }
        }
    }
    if !reader.is_terminal && !quit {
        // Whoever only wants to listen has nothing more to say.
        tokio::select! {
            () = ears.wait() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    ears.close().await;
    match failures {
        0 => Ok(()),
        _ if reader.is_terminal => Ok(()),
        1 => Err(Failure::failed("one line failed")),
        number => Err(Failure::failed(format!("{number} lines failed"))),
    }
}

/// What comes after a line.
enum Next {
    Line,
    End,
}

/// Does what a line says.
async fn one(line: &str, session: &Session, global: &Global, ears: &mut Ears) -> Result<Next, Failure> {
    let mut words = split(line).map_err(Failure::usage)?;
    // Whoever writes it here, too, is understood.
    if words.len() > 1 && words.first().is_some_and(|word| word.text == "sky") {
        words.remove(0);
    }
    if words.first().is_none_or(|word| word.text.starts_with('#')) {
        return Ok(Next::Line);
    }
    let line = match Line::read(&words) {
        Ok(line) => line,
        Err(Said::Help(help)) => return print(&help).map(|()| Next::Line),
        Err(Said::Mistake(mistake)) => return Err(Failure::Usage(mistake)),
    };
    match line.action {
        Action::Quit => return Ok(Next::End),
        Action::Unlisten { topic } => ears.unlisten(topic.as_deref()).await?,
        Action::Question(question) => {
            let mut global = global.clone();
            global.json |= line.json;
            match *question {
                Question::Listen(args) => ears.listen(&args, session).await?,
                other => stoppable(&other, session, &global).await?,
            }
        }
    }
    Ok(Next::Line)
}

/// Asks until there is an answer or Ctrl-C.
async fn stoppable(question: &Question, session: &Session, global: &Global) -> Result<(), Failure> {
    tokio::select! {
        // A stream stops by itself and tells its worker.
        biased;
        result = ask(question, session, global) => result,
        _ = tokio::signal::ctrl_c() => {
            note("stopped; whether it was done is not known");
            Ok(())
        }
    }
}
