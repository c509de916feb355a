//! What a line of the shell asks for.

use clap::{CommandFactory as _, Parser, error::ErrorKind};

use super::words::Word;
use crate::{
    commands::Question,
    mistake::{Program, sentence},
};

/// A line of `sky shell`. JSON needs no quotes: call greeter.v1.Greeter/Hello {"name": "Ada"}
#[derive(Debug, Parser)]
#[command(
    name = "",
    no_binary_name = true,
    disable_version_flag = true,
    disable_help_flag = true,
    subcommand_help_heading = "Commands",
    help_template = "{about}\n\n{all-args}\n\nTab completes names and fields, Ctrl-C stops what runs, Ctrl-D leaves."
)]
pub(super) struct Line {
    /// Print listings and results as JSON
    #[arg(long, global = true, hide = true)]
    pub(super) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(super) action: Action,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    #[command(flatten)]
    Question(Box<Question>),
    /// Show no more events of a topic, or of none
    Unlisten {
        /// The topic; without one, all
        topic: Option<String>,
    },
    /// Leave the shell
    #[command(visible_alias = "exit")]
    Quit,
}

/// What there is to say instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Help that was asked for.
    Help(String),
    /// What is wrong with the line.
    Mistake(String),
}

impl Line {
    /// The names of the commands.
    pub(super) fn commands() -> Vec<String> {
        Self::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }

    /// Reads the words of a line.
    ///
    /// # Errors
    /// What to say instead.
    pub(super) fn read(words: &[Word]) -> Result<Self, Said> {
        if words.iter().any(|word| word.text == "-") {
            let why = "there is no standard input to read here; write the JSON into the line, or @FILE";
            return Err(Said::Mistake(why.to_owned()));
        }
        // A list in JSON could be taken for nothing else, but an option's value may begin with a hyphen.
        let words = words.iter().map(|word| word.text.as_str());
        Self::try_parse_from(words.clone()).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Said::Help(error.render().to_string())
            }
            _ => Said::Mistake(sentence(&error, Program::Shell, &Self::command(), words)),
        })
    }
}

/// Whose message a line writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Method(&'a str),
    Topic(&'a str),
}

/// What a line calls or publishes, if its last word may belong to the message.
pub(super) fn message_of(words: &[Word]) -> Option<Message<'_>> {
    let (first, rest) = words.split_first()?;
    let (_, before) = rest.split_last()?;
    let mut names = before.iter().map(|word| word.text.as_str()).filter(|word| !word.starts_with('-'));
    match first.text.as_str() {
        "call" | "cast" | "bench" => names.find(|name| name.contains('/')).map(Message::Method),
        "publish" => names.next().map(Message::Topic),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::split, *};

    fn read(line: &str) -> Result<Line, Said> {
        Line::read(&split(line).unwrap())
    }

    #[test]
    fn the_shell_has_the_commands_of_the_command_line_and_its_own() {
        Line::command().debug_assert();
        assert!(matches!(read("quit").unwrap().action, Action::Quit));
        assert!(matches!(read("services -v").unwrap().action, Action::Question(_)));
        assert!(read("queues --json").unwrap().json);
        let Err(Said::Help(help)) = read("help") else { panic!("no help") };
        for command in ["call", "cast", "listen", "unlisten", "services", "queues", "quit"] {
            assert!(help.contains(&format!("\n  {command} ")), "{command} is missing from {help}");
        }
        let Err(Said::Mistake(mistake)) = read("cal x") else { panic!("no mistake") };
        assert_eq!(mistake, "there is no command \"cal\" (did you mean call?); see `help`");
        let Err(Said::Mistake(mistake)) = read("bogus") else { panic!("no mistake") };
        assert_eq!(mistake, "there is no command \"bogus\"; see `help`", "routes is no likely meaning of it");
        assert!(matches!(read("call x -"), Err(Said::Mistake(why)) if why.contains("no standard input")));
    }

    #[test]
    fn the_message_of_a_method_is_known_while_it_is_written() {
        let words = super::super::words::split_unfinished;
        assert_eq!(message_of(&words("call --timeout 2s a.v1/B {\"x")), Some(Message::Method("a.v1/B")));
        assert_eq!(message_of(&words("publish a.b {")), Some(Message::Topic("a.b")));
        assert_eq!(message_of(&words("call a.v1/B na")), Some(Message::Method("a.v1/B")));
        assert_eq!(message_of(&words("call a.v1/B")), None);
        assert_eq!(message_of(&words("listen a.b {")), None);
    }
}
