//! Which argument is which name.

use std::{collections::BTreeMap, ffi::OsStr, sync::Arc};

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

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

/// The arguments that are names: of which command, its own subcommand, which argument.
const ARGUMENTS: [(&str, &str, &str, Kind); 16] = [
    ("call", "", "method", METHODS),
    ("call", "", "instance", INSTANCES),
    ("cast", "", "method", METHODS),
    ("cast", "", "instance", INSTANCES),
    ("bench", "", "method", METHODS),
    ("publish", "", "topic", TOPICS),
    ("listen", "", "topic", TOPICS),
    ("drain", "", "instance", INSTANCES),
    ("log", "", "instance", INSTANCES),
    ("ping", "", "instance", INSTANCES),
    ("instances", "", "service", SERVICES),
    ("routes", "", "service", SERVICES),
    ("dead", "list", "channel", CHANNELS),
    ("dead", "show", "channel", CHANNELS),
    ("dead", "kick", "channel", CHANNELS),
    ("dead", "drop", "channel", CHANNELS),
];

/// The command with the names of a cluster completed.
pub(crate) fn with_names(mut command: Command, source: &Source) -> Command {
    for (name, inner, argument, kind) in ARGUMENTS {
        // `mut_arg` would put the argument behind the others.
        let complete = |arg: Arg| match arg.get_id() == argument {
            true => arg.add(completer(Arc::clone(source), kind)),
            false => arg,
        };
        command = command.mut_subcommand(name, |command| match inner {
            "" => command.mut_args(complete),
            inner => command.mut_subcommand(inner, |command| command.mut_args(complete)),
        });
    }
    command
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
