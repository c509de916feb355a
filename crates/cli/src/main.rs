//! The command `sky`: runs, calls and looks into a Skyloom cluster.

mod text;
mod failure;
mod mistake;
mod output;
mod session;
mod method;
mod scaffold;
mod handover;
mod listener;
mod commands;
mod complete;
mod shell;
mod cluster;
mod doctor;
mod command_line;

fn main() -> std::process::ExitCode {
    command_line::main()
}
