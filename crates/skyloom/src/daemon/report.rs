//! What the process that was started hears of the one that it has put into the background.

use std::{
    io::{PipeReader, PipeWriter, Read as _, Write as _},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use crate::exit::{FAILED, TEMPORARY};

/// Where this process tells how its start has ended; none once it has, or if it is in the foreground.
static REPORT: Mutex<Option<PipeWriter>> = Mutex::new(None);

/// How long a process in the background may take until it is ready: systemd's `DefaultTimeoutStartSec` is 90 s, and a
/// person waits here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Becomes the process that tells.
pub(super) fn keep(writer: PipeWriter) {
    *REPORT.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
}

/// Tells whoever waits in the foreground that the process does its work, if it has put itself into the background and has
/// not been ready yet. [`Foreground::ready`](crate::Foreground::ready) says so itself, and so does the end of a program
/// under [`#[skyloom::main]`](macro@crate::main) without an error; a program that has neither says it by this.
pub fn ready() {
    tell(0, "");
}

/// Tells whoever waits in the foreground with which exit code this process ends, and why. Nobody does so unless the
/// process has put itself into the background and was not ready yet.
pub fn failed(code: u8, sentence: &str) {
    tell(code, sentence);
}

fn tell(code: u8, sentence: &str) {
    let report = REPORT.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut report) = report {
        // Whoever has started it may have gone.
        drop(report.write_all(&[&[code], sentence.as_bytes()].concat()));
    }
}

/// Waits until the process in the background is ready.
///
/// # Errors
/// The exit code of one that is not, and why.
pub(super) fn wait(mut reader: PipeReader) -> Result<(), (u8, String)> {
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut report = Vec::new();
        // A pipe that cannot be read says nothing, as one that nobody has written to.
        drop(reader.read_to_end(&mut report));
        sender.send(report)
    });
    let report = said.recv_timeout(PATIENCE).map_err(|_| {
        let seconds = PATIENCE.as_secs();
        (
            TEMPORARY,
            format!("the process has not said within {seconds} s that it is ready; it goes on in the background"),
        )
    })?;
    match report.split_first() {
        Some((0, _)) => Ok(()),
        Some((code, sentence)) => Err((*code, String::from_utf8_lossy(sentence).into_owned())),
        None => {
            let why = "the process has ended in the background before it was ready; --logfile keeps what it says";
            Err((FAILED, why.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_counts() {
        let (reader, writer) = std::io::pipe().unwrap();
        keep(writer);
        failed(2, "a typo");
        ready();
        assert_eq!(wait(reader), Err((2, "a typo".to_owned())));

        let (reader, writer) = std::io::pipe().unwrap();
        keep(writer);
        ready();
        failed(1, "too late");
        assert_eq!(wait(reader), Ok(()));

        let (reader, writer) = std::io::pipe().unwrap();
        drop(writer);
        assert_eq!(wait(reader).unwrap_err().0, FAILED);
    }
}
