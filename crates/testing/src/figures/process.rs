//! Another process: this program again, in another role.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The variable that says which role a process plays.
pub const ROLE: &str = "BENCH_ROLE";

/// Another process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    orders: ChildStdin,
    output: BufReader<ChildStdout>,
    told: String,
}

impl Process {
    /// Starts this program in a role and waits until it is ready.
    ///
    /// # Panics
    /// If it cannot be started, or ends before it is ready.
    #[must_use]
    pub fn start(role: &str, arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("this program's path");
        let mut command = Command::new(program);
        command.args(arguments).env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the process starts");
        let orders = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut process = Self { child, orders, output, told: String::new() };
        process.told = process.line();
        process
    }

    /// What it said when it was ready, such as its port.
    #[must_use]
    pub fn told(&self) -> &str {
        &self.told
    }

    /// Gives it an order, and waits for the answer.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn ask(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").expect("the process listens");
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).expect("the process speaks in lines");
        assert!(length > 0, "the process has ended; what is above says why");
        line.trim().to_owned()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop((self.child.kill(), self.child.wait()));
    }
}

/// Tells the parent that this process is ready, or what it has asked for.
///
/// # Panics
/// If the parent is gone.
#[allow(clippy::print_stdout, reason = "this is how the parent hears of it")]
pub fn ready(message: &str) {
    println!("{message}");
    std::io::stdout().flush().expect("the parent listens");
}

/// The parent's orders, read by a thread of their own so that the event loop goes on; they end with the parent.
#[must_use]
pub fn orders() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.map_while(|line| sender.send(line).ok()).for_each(drop);
    });
    receiver
}
