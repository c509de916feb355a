//! The command `sky completions`.

use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::{failure::Failure, output::print};

/// The variable by which a shell's function asks `sky` for candidates.
pub(super) const VARIABLE: &str = "SKY_COMPLETE";

/// A shell.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print what makes a shell complete `sky`'s command line
///
/// Commands and flags are completed, and by asking the running cluster the names of services, methods, topics and
/// instances. For bash, put this into ~/.bashrc:  source <(sky completions bash)
/// for zsh, into ~/.zshrc:  source <(sky completions zsh)
/// for fish:  sky completions fish > ~/.config/fish/completions/sky.fish
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the shell's part of completion.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn completions(args: CompletionsArgs) -> Result<(), Failure> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, "sky", "sky", "sky", &mut script)
        .map_err(|error| Failure::failed(format!("the script cannot be written: {error}")))?;
    print(&String::from_utf8_lossy(&script))
}
