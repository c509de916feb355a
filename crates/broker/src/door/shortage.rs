//! What is said when connections cannot be accepted.

use std::{io, time::Duration};

use tokio::time::Instant;

/// How long it is not said again.
const SILENCE: Duration = Duration::from_secs(60);

/// `EMFILE` and `ENFILE`, which have these numbers on every Unix: the process, or the whole system, has as many files
/// open as it may.
const OF_PROCESS: i32 = 24;
const OF_SYSTEM: i32 = 23;

/// Says why connections cannot be accepted, and what to do: once in a minute, however often it is tried.
#[derive(Debug, Default)]
pub struct Shortage {
    said: Option<Instant>,
}

impl Shortage {
    /// A connection could not be accepted.
    pub fn say(&mut self, error: &io::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= SILENCE) {
            self.said = Some(Instant::now());
            tracing::warn!("{}", sentence(error));
        }
    }
}

fn sentence(error: &io::Error) -> String {
    let (who, advice) = match error.raw_os_error() {
        Some(OF_PROCESS) => ("this process", "raise its limit: `ulimit -n 65536`, or LimitNOFILE=65536 in its unit"),
        Some(OF_SYSTEM) => ("the system", "raise its limit, fs.file-max"),
        _ => return format!("a connection could not be accepted: {error}"),
    };
    format!("{who} has as many files open as it may, so that connections wait until others close; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_files_says_what_to_do() {
        let said = |number| sentence(&io::Error::from_raw_os_error(number));
        assert!(
            said(OF_PROCESS).starts_with("this process has as many files open as it may, so that connections wait")
        );
        assert!(said(OF_PROCESS).contains("LimitNOFILE=65536") && said(OF_SYSTEM).contains("fs.file-max"));
        assert!(said(103).starts_with("a connection could not be accepted: "), "{}", said(103));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_said_once_in_a_minute() {
        let mut shortage = Shortage::default();
        let error = io::Error::from_raw_os_error(OF_PROCESS);
        shortage.say(&error);
        let first = shortage.said.unwrap();
        tokio::time::advance(SILENCE / 2).await;
        shortage.say(&error);
        assert_eq!(shortage.said, Some(first));
        tokio::time::advance(SILENCE).await;
        shortage.say(&error);
        assert_ne!(shortage.said, Some(first));
    }
}
