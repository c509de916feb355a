//! Which argument is which name.

use std::{collections::BTreeMap, ffi::OsStr, sync::Arc};

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use super::Names;

/// Where the names come from when they are needed.
pub(crate) type Source = Arc<dyn Fn() -> Names + Send + Sync>;

/// One kind of name.
type Kind = fn(Names) -> BTreeMap<String, String>;

const METHODS: Kind = |names| names.methods;
const SERVICES: Kind = |names| names.services;
const CHANNELS: Kind = |names| names.channels;
const TOPICS: Kind = |names| names.topics;
const INSTANCES: Kind = |names| names.instances;
const INSTANCES_AND_SERVICES: Kind = |names| names.instances.into_iter().chain(names.services).collect();
const SECTIONS: Kind = |names| names.sections;

/// The arguments that are names: of which command, its own subcommand, which argument.
const ARGUMENTS: [(&str, &str, &str, Kind); 17] = [
    ("call", "", "method", METHODS),
    ("call", "", "instance", INSTANCES),
    ("cast", "", "method", METHODS),
    ("cast", "", "instance", INSTANCES),
    ("bench", "", "method", METHODS),
    ("publish", "", "topic", TOPICS),
    ("listen", "", "topic", TOPICS),
    ("drain", "", "instance", INSTANCES),
    ("log", "", "target", INSTANCES_AND_SERVICES),
    ("ping", "", "instance", INSTANCES),
    ("config", "", "service", SECTIONS),
    ("instances", "", "service", SERVICES),
    ("routes", "", "service", SERVICES),
    ("dead", "list", "channel", CHANNELS),
    ("dead", "show", "channel", CHANNELS),
    ("dead", "kick", "channel", CHANNELS),
    ("dead", "drop", "channel", CHANNELS),
];

/// The arguments that are one of a few words, or something else: of which command, which argument.
const WORDS: [(&str, &str, &[&str]); 2] = [
    ("log", "level", &["off", "error", "warn", "info", "debug", "trace"]),
    ("new", "broker", &["local", "nats", "redis", "amqp", "beanstalk"]),
];

/// The command with the names of a cluster completed, and what else may be one of a few words.
pub(crate) fn with_names(command: Command, source: &Source) -> Command {
    let names = ARGUMENTS.into_iter().fold(command, |command, (name, inner, argument, kind)| {
        completed(command, [name, inner], argument, |arg| arg.add(completer(Arc::clone(source), kind)))
    });
    WORDS.into_iter().fold(names, |command, (name, argument, words)| {
        let offers = || words.iter().map(CompletionCandidate::new).collect();
        completed(command, [name, ""], argument, |arg| arg.add(ArgValueCandidates::new(offers)))
    })
}

/// The command with an argument changed: of which subcommand, of which one of that. Not every command has all.
fn completed(
    command: Command,
    [name, inner]: [&'static str; 2],
    argument: &str,
    change: impl Fn(Arg) -> Arg,
) -> Command {
    // `mut_arg` would put the argument behind the others.
    let changed = |arg: Arg| if arg.get_id() == argument { change(arg) } else { arg };
    match (command.find_subcommand(name).is_some(), inner) {
        (false, _) => command,
        (true, "") => command.mut_subcommand(name, |command| command.mut_args(changed)),
        (true, inner) => {
            command.mut_subcommand(name, |command| command.mut_subcommand(inner, |command| command.mut_args(changed)))
        }
    }
}

fn completer(source: Source, kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let names = kind(source()).into_iter().filter(|(name, _)| name.starts_with(typed));
        let candidate = |(name, help): (String, String)| {
            let help = (!help.is_empty()).then(|| help.into());
            CompletionCandidate::new(name).help(help)
        };
        names.map(candidate).collect()
    })
}
