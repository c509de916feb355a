//! `sky config`: the configuration of a process, and where each value comes from.

use skyloom::config::{Origin, Sources, origins, reference};

use crate::{
    failure::Failure,
    output::{Table, left, list, print},
    session::Global,
};

/// Show the configuration of a process started here, and where each value comes from
///
/// Built-in default, then skyloom.toml (its sections default, service and service."NAME@VERSION"), then
/// variables that begin with SKYLOOM_, then flags; the later wins. Of a value whose name ends in password, token, key or
/// the like, and of passwords in URLs, *** is shown.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    /// The service whose section applies, such as links@1
    #[arg(value_name = "NAME@VERSION")]
    service: Option<String>,
    /// Print the page about every key instead, in Markdown
    #[arg(long, conflicts_with = "service")]
    reference: bool,
}

/// Shows the configuration.
///
/// # Errors
/// The first mistake in it.
pub(crate) fn config(args: &ConfigArgs, global: &Global) -> Result<(), Failure> {
    if args.reference {
        return print(&reference());
    }
    if let Some(service) = args.service.as_ref().filter(|service| !service.contains('@')) {
        return Err(Failure::usage(format!("{service:?} names no section; write NAME@VERSION, such as {service}@1")));
    }
    let sources = Sources { flags: global.as_flags(), ..Sources::of_process(args.service.as_deref()) };
    let rows = origins(&sources).map_err(|error| Failure::usage(error.to_string()))?;
    list(global.json, &rows, table, "there is no configuration")
}

fn table(rows: &[Origin]) -> Table {
    Table::new([left("KEY"), left("VALUE"), left("FROM")])
        .with(rows, |row| [row.key.clone(), row.value.clone(), row.from.clone()])
}
