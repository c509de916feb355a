//! The place of a Unix socket in the file system, looked after while the broker runs.

use std::time::Duration;

use tokio::{
    net::UnixListener,
    time::{self, Interval, MissedTickBehavior},
};

use super::socket::{self, Found, SocketFile};

/// How often it is looked whether the file is still there. So long a broker may be out of reach for those who come
/// new; another that starts in this time takes its place.
const LOOK: Duration = Duration::from_secs(1);

/// The socket's file. It may be removed under a running broker: by whoever tidies up /tmp, or with
/// `$XDG_RUNTIME_DIR` when the user logs out.
#[derive(Debug)]
pub(crate) struct Place {
    file: SocketFile,
    look: Interval,
    /// What was last said of the place; nothing while the file is there.
    said: Option<String>,
}

impl Place {
    pub(super) fn new(file: SocketFile) -> Self {
        let mut look = time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { file, look, said: None }
    }

    pub(super) const fn replaces_another(&self) -> bool {
        self.file.replaces
    }

    /// Waits until the file is gone, and makes it anew with another socket behind it.
    pub(super) async fn lost(&mut self) -> UnixListener {
        loop {
            self.look.tick().await;
            let path = self.file.path().to_owned();
            match self.file.found() {
                Found::Ours => self.said = None,
                Found::Another => self.say(format!(
                    "{} is another's by now: who connects does not come here any more; end one of the two",
                    path.display()
                )),
                Found::Nothing => match socket::bind(&path).await {
                    Ok((listener, file)) => {
                        // The old socket has the old file's number as long as it is open, so that the new one is not
                        // taken for it and removed.
                        self.file = file;
                        self.said = None;
                        tracing::warn!(path = %path.display(), "somebody has removed the socket; it is there again");
                        return listener;
                    }
                    Err(error) => self.say(format!("somebody has removed the socket, and it stays away: {error}")),
                },
            }
        }
    }

    /// Says it once, for as long as it stays so.
    fn say(&mut self, sentence: String) {
        if self.said.as_ref() != Some(&sentence) {
            tracing::error!("{sentence}");
            self.said = Some(sentence);
        }
    }
}
