//! One shell that runs command after command.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long one command may take; it is there so that a command that hangs is named.
const LONGEST: Duration = Duration::from_secs(300);

/// Stands alone in a line, with the exit code, when a command has ended.
const END: &str = "#command-has-ended#";

/// A shell in a directory.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    /// The exit code of the last command.
    code: i32,
}

impl Session {
    /// Starts a shell with these variables.
    pub(crate) fn start(directory: &Path, environment: &[(String, String)]) -> Self {
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(directory)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("there is a bash");
        let (input, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (lines, output) = channel();
        thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n') {
                let Ok(line) = line else { return };
                if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, input, output, code: 0 }
    }

    /// Runs a command; returns its exit code and what it has printed.
    pub(crate) fn run(&mut self, command: &str) -> (i32, String) {
        // From a file, so that the command cannot read what comes after it as its input.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{command}\n")).unwrap();
        let path = file.path().display();
        writeln!(self.input, "(exit {}); . {path} < /dev/null 2>&1; printf '\\n%s %s\\n' '{END}' \"$?\"", self.code)
            .unwrap_or_else(|error| panic!("the shell is gone before {command:?}: {error}"));
        let mut printed = Vec::new();
        loop {
            let line = self.output.recv_timeout(LONGEST);
            let line =
                line.unwrap_or_else(|_| panic!("{command:?} does not end; it has printed:\n{}", printed.join("\n")));
            if let Some(code) = line.strip_prefix(END) {
                self.code = code.trim().parse().unwrap();
                // The line break before the mark is the shell's.
                if printed.last().is_some_and(String::is_empty) {
                    printed.pop();
                }
                return (self.code, printed.join("\n"));
            }
            printed.push(line);
        }
    }
}

impl Session {
    /// Starts a command that goes on, in a process group of its own: so all of it can be ended.
    pub(crate) fn begin(&mut self, command: &str, log: &str) -> i32 {
        self.run(&format!("set -m; {{ {command}\n}} > {log} 2>&1 & set +m")).0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What a page has started in the background ends with it; a shell that is gone has left nothing.
        let _ = writeln!(self.input, "for job in $(jobs -p); do kill -- -$job; done; wait; exit");
        drop(self.child.wait());
    }
}

#[test]
fn a_shell_keeps_what_a_command_sets_and_tells_how_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let mut session = Session::start(directory.path(), &[("A".to_owned(), "a".to_owned())]);
    assert_eq!(session.run("B=$A-b; cat"), (0, String::new()));
    assert_eq!(session.run("echo $B; printf c"), (0, "a-b\nc".to_owned()));
    assert_eq!(session.run("ls nothing > /dev/null 2>&1"), (2, String::new()));
    assert_eq!(session.run("echo $?"), (0, "2".to_owned()));
}

#[test]
fn what_a_shell_has_started_in_the_background_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut session = Session::start(directory.path(), &[]);
    assert_eq!(session.begin("sleep 1000 & echo $! > pid; wait", "log"), 0);
    let (_, pid) = session.run("until [ -s pid ]; do sleep 0.01; done; cat pid");
    let process = Path::new("/proc").join(pid);
    assert!(process.exists());
    drop(session);
    // Whoever adopts it has to take note first.
    let ended = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z ")) || !process.exists()
    });
    assert!(ended, "{} goes on", process.display());
}
