//! What a user is told who may not do it.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Output},
};

use rustix::process::geteuid;

use crate::{cluster::said, kit::program};

/// The user and the group `nobody`, who own nothing.
const NOBODY: u32 = 65_534;

/// Runs `sky broker --daemon` in this directory as a user who is not root.
fn daemon(directory: &Path, pidfile: &Path, logfile: &Path) -> Output {
    let mut sky = Command::new(directory.join("sky"));
    sky.args(["broker", "--daemon", "--listen", "unix:open/broker.sock"]).current_dir(directory);
    sky.arg("--pidfile").arg(pidfile).arg("--logfile").arg(logfile);
    if geteuid().is_root() {
        sky.uid(NOBODY).gid(NOBODY);
    }
    sky.output().unwrap()
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_daemon_that_may_not_write_its_files_says_which_and_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let [open, closed] = ["open", "closed"].map(|name| directory.path().join(name));
    [&open, &closed].into_iter().for_each(|path| fs::create_dir(path).unwrap());
    fs::write(closed.join("there.pid"), "").unwrap();
    // Whoever builds the programs may keep them where others may not go.
    fs::copy(program("sky"), directory.path().join("sky")).unwrap();
    allow(&closed.join("there.pid"), 0o444);
    for (path, mode) in [(directory.path(), 0o755), (&open, 0o777), (&closed, 0o555)] {
        allow(path, mode);
    }
    let (pid, log) = (open.join("sky.pid"), open.join("sky.log"));
    for (pidfile, logfile, what, wrong) in [
        (&closed.join("sky.pid"), &log, "pidfile", "sky.pid"),
        (&closed.join("there.pid"), &log, "pidfile", "there.pid"),
        (&pid, &closed.join("sky.log"), "logfile", "sky.log"),
    ] {
        let refused = daemon(directory.path(), pidfile, logfile);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        let expected = format!(
            "sky: cannot write the {what} {}: this user may not; name one with --{what} in a directory \
             where this user may write\n",
            closed.join(wrong).display()
        );
        assert_eq!(said(&refused), expected);
        assert!(!open.join("broker.sock").exists());
    }
    assert_eq!(fs::read(closed.join("there.pid")).unwrap(), b"");
    // So that the directory can be removed.
    allow(&closed, 0o755);
}
