//! What the system allows this user.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;

/// With fewer open files not even a small cluster's broker has a connection for each process.
const FEW_FILES: u64 = 256;

/// So many serve a gateway with a few thousand connections.
const MANY_FILES: u64 = 4_096;

/// So many directories a workspace of some size has, its dependencies by path included.
const WATCHES: u64 = 8_192;

/// How many directories the system watches for one user.
const WATCH_LIMIT: &str = "/proc/sys/fs/inotify/max_user_watches";

/// How many files a process may have open; each connection is one. A process of ours raises its limit as far as it may.
pub(super) fn open_files() -> Finding {
    judge_files(getrlimit(Resource::Nofile).maximum)
}

fn judge_files(limit: Option<u64>) -> Finding {
    const CHECK: &str = "open files";
    let advice = "raise the hard limit: `ulimit -n 65536` in a shell of root, LimitNOFILE=65536 in a unit of systemd, or \
                  nofile in /etc/security/limits.conf";
    match limit {
        None => Finding::ok(CHECK, "no limit"),
        Some(limit @ ..FEW_FILES) => Finding::broken(CHECK, format!("a process may open only {limit}"), advice),
        Some(limit @ ..MANY_FILES) => {
            Finding::note(CHECK, format!("a process may open {limit}; each connection takes one"), advice)
        }
        Some(limit) => Finding::ok(CHECK, format!("a process may open {limit}")),
    }
}

/// How many directories `sky up --watch` may watch; nothing where there is no such limit.
pub(super) fn watches() -> Option<Finding> {
    let limit: u64 = fs::read_to_string(WATCH_LIMIT).ok()?.trim().parse().ok()?;
    Some(judge_watches(limit))
}

fn judge_watches(limit: u64) -> Finding {
    const CHECK: &str = "watches";
    if limit >= WATCHES {
        return Finding::ok(CHECK, format!("`sky up --watch` may watch {limit} directories"));
    }
    let advice = "sudo sysctl fs.inotify.max_user_watches=524288";
    Finding::note(CHECK, format!("`sky up --watch` may watch only {limit} directories"), advice)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn limits_are_judged() {
        let files = [None, Some(64), Some(1_024), Some(65_536)].map(|limit| judge_files(limit).state);
        assert_eq!(files, [State::Ok, State::Broken, State::Note, State::Ok]);
        assert_eq!([judge_watches(100).state, judge_watches(8_192).state], [State::Note, State::Ok]);
    }
}
