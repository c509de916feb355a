//! Another process: this program again, in another role.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

/// Says which role a process plays.
pub(crate) const ROLE: &str = "BENCH_ROLE";

/// Another process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// What it said when it was ready, such as its port.
    pub(crate) told: String,
}

impl Process {
    /// Starts this program in a role and waits until it is ready.
    pub(crate) fn start(role: &str, argument: &str) -> Self {
        let program = std::env::current_exe().expect("this program's path");
        let mut command = Command::new(program);
        command.arg(argument).env(ROLE, role).stdout(Stdio::piped());
        Self::wait(command)
    }

    fn wait(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the process starts");
        let output = child.stdout.take().expect("its output");
        let mut told = String::new();
        BufReader::new(output).read_line(&mut told).expect("it says that it is ready");
        Self { child, told: told.trim().to_owned() }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }
}

/// Tells the parent that this process is ready.
pub(crate) fn ready(message: &str) {
    println!("{message}");
    std::io::stdout().flush().expect("the parent listens");
}
