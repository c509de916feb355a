//! A mistake on a command line, as one sentence.

use std::{
    error::Error,
    num::{IntErrorKind, ParseIntError},
};

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use skyloom::config::nearest;

/// What a line belongs to: `sky`, or the prompt of `sky shell`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Sky,
    Shell,
}

/// Says what is wrong with the words of a line, and which help has more.
pub(crate) fn sentence<'a>(
    error: &clap::Error,
    program: Program,
    command: &Command,
    words: impl IntoIterator<Item = &'a str>,
) -> String {
    let path = path(command, words);
    let name = if path.is_empty() { "sky".to_owned() } else { path.join(" ") };
    let what = match error.kind() {
        ErrorKind::InvalidSubcommand if path.is_empty() => {
            format!("there is no command {:?}", text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidSubcommand => {
            format!("{name} has no command {:?}", text(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => {
            format!("{name} needs {}", all(error, ContextKind::InvalidArg).join(" and "))
        }
        ErrorKind::UnknownArgument => format!("{name} takes no {:?}", text(error, ContextKind::InvalidArg)),
        ErrorKind::ArgumentConflict => conflict(error),
        ErrorKind::InvalidValue => invalid_value(error),
        ErrorKind::ValueValidation => {
            let (argument, value) = (text(error, ContextKind::InvalidArg), text(error, ContextKind::InvalidValue));
            let why = error.source().map(|source| reason(source, &value)).unwrap_or_default();
            if why.contains(&value) { format!("{argument}: {why}") } else { format!("{argument}: {value:?}: {why}") }
        }
        // Whatever else there may be says it in its first line.
        _ => {
            let text = error.render().to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    };
    let help: Vec<&str> = match program {
        Program::Sky => vec!["sky", "help"],
        Program::Shell => vec!["help"],
    };
    let help = help.into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    format!("{what}{}; see `{help}`", hint(error, command_at(command, &path)))
}

/// Why a value is none, in plain words.
fn reason(why: &(dyn Error + 'static), value: &str) -> String {
    match why.downcast_ref::<ParseIntError>().map(ParseIntError::kind) {
        Some(IntErrorKind::PosOverflow) => format!("{value:?} is too large a number"),
        Some(_) => format!("{value:?} is no whole number"),
        None => why.to_string(),
    }
}

/// The commands that a line names, such as `dead` and `list`.
fn path<'a>(command: &Command, words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let (mut command, mut path) = (command, Vec::new());
    for word in words {
        if word == "--" || !command.has_subcommands() {
            break;
        }
        if let Some(found) = command.find_subcommand(word) {
            path.push(found.get_name().to_owned());
            command = found;
        }
    }
    path
}

/// The command that a path leads to.
fn command_at<'a>(command: &'a Command, path: &[String]) -> &'a Command {
    path.iter().fold(command, |command, name| command.find_subcommand(name).unwrap_or(command))
}

fn invalid_value(error: &clap::Error) -> String {
    let (argument, value) = (text(error, ContextKind::InvalidArg), text(error, ContextKind::InvalidValue));
    if value.is_empty() {
        return format!("{argument} needs a value");
    }
    let known = all(error, ContextKind::ValidValue);
    let known = if known.is_empty() { String::new() } else { format!(", which is one of {}", known.join(", ")) };
    format!("{value:?} is no {argument}{known}")
}

fn conflict(error: &clap::Error) -> String {
    let (argument, earlier) = (text(error, ContextKind::InvalidArg), all(error, ContextKind::PriorArg));
    if earlier == [argument.as_str()] {
        return format!("{argument} is given twice");
    }
    format!("{argument} and {} exclude each other", earlier.join(", "))
}

/// What somebody who mistyped a word may have meant.
fn hint(error: &clap::Error, command: &Command) -> String {
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let typed = match error.kind() {
        ErrorKind::InvalidSubcommand => text(error, ContextKind::InvalidSubcommand),
        ErrorKind::InvalidValue => text(error, ContextKind::InvalidValue),
        _ => text(error, ContextKind::InvalidArg),
    };
    // The likeliest is the last of clap's, which also suggests what has little more than a few letters in common.
    let mut likely: Vec<String> = kinds.into_iter().flat_map(|kind| all(error, kind)).collect();
    likely.retain(|known| nearest(&typed, [known.as_str()]).is_some());
    likely.reverse();
    let has_other = error.get(ContextKind::Suggested).is_some();
    match (likely.is_empty(), error.kind()) {
        (false, _) => format!(" (did you mean {}?)", likely.join(" or ")),
        (true, ErrorKind::InvalidSubcommand) => {
            let names = command.get_subcommands().map(Command::get_name);
            let near = nearest(&typed, names);
            near.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
        }
        // The only other thing that is suggested of an argument.
        (true, ErrorKind::UnknownArgument) if has_other => " (if it is a value, write it after `--`)".to_owned(),
        _ => String::new(),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    all(error, kind).join(", ")
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
