//! `sky new`: a project of one's own.

use std::{env, path::PathBuf};

use super::{
    broker,
    expression::pascal_case,
    library::find,
    name::check_name,
    origin::Origin,
    project::Project,
    surroundings::real,
    value::{Value, Values},
};
use crate::{
    failure::Failure,
    output::{note, print},
    text::{shell_word, why},
};

/// Make a new project: a service, a gateway, or a workspace of services
///
/// A service comes with its tests, its contract, its configuration, a README, a Dockerfile, a script for CI
/// and a cluster file. `cargo generate --git https://github.com/skyloom/skyloom templates/service` makes the
/// same of the same templates.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Its name: small words joined by hyphens, such as orders [default: gateway, for a gateway]
    name: Option<String>,
    /// Make a gateway of your own, instead of a service
    #[arg(long, conflicts_with = "workspace")]
    gateway: bool,
    /// Make a workspace of several services with shared contracts, instead of one service
    #[arg(long)]
    workspace: bool,
    /// The contract is derived from Rust types (the default)
    #[arg(long, conflicts_with_all = ["contract_first", "gateway", "workspace"])]
    code_first: bool,
    /// The contract is a .proto file
    #[arg(long, conflicts_with_all = ["gateway", "workspace"])]
    contract_first: bool,
    /// It answers with a stream of messages
    #[arg(long, conflicts_with_all = ["gateway", "workspace"])]
    streaming: bool,
    /// It listens to an event, which it publishes, too
    #[arg(long, conflicts_with_all = ["gateway", "workspace"])]
    event: bool,
    /// The broker of its configuration: local (the embedded one), nats, redis, amqp or beanstalk, or the URL of
    /// one of these [default: that of the workspace around it, or local]
    #[arg(long)]
    broker: Option<String>,
    /// Where it gets skyloom from: version=0.1, git=URL#TAG or path=FOLDER [default: as the workspace around it, or
    /// this release in skyloom's repository]
    #[arg(long, value_name = "WAY=PLACE")]
    skyloom: Option<String>,
    /// The folder to make, instead of one of the project's name
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// What can be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Service,
    Gateway,
    Workspace,
}

/// Makes the project.
///
/// # Errors
/// A name, a value or a folder that it cannot have.
pub(crate) fn new(args: &NewArgs) -> Result<(), Failure> {
    let kind = match (args.gateway, args.workspace) {
        (true, _) => Kind::Gateway,
        (_, true) => Kind::Workspace,
        _ => Kind::Service,
    };
    let name = match (&args.name, kind) {
        (Some(name), _) => name.as_str(),
        (None, Kind::Gateway) => "gateway",
        (None, _) => return Err(Failure::usage("the project has no name: write it after `sky new`, such as orders")),
    };
    check_name(name, kind == Kind::Service).map_err(Failure::Usage)?;
    let here = env::current_dir()
        .map_err(|error| Failure::failed(format!("cannot tell the current directory: {}", why(&error))))?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    let mut values = values(args, kind);
    if let Some(given) = &args.broker {
        broker::add_to(&mut values, given).map_err(|why| Failure::usage(format!("--broker: {why}")))?;
    }
    if let Some(origin) = &args.skyloom {
        let origin: Origin = origin.parse().map_err(|why| Failure::usage(format!("--skyloom: {why}")))?;
        origin.add_to(&mut values, &here).map_err(Failure::Usage)?;
    }
    let template = match kind {
        Kind::Service => "service",
        Kind::Gateway => "gateway",
        Kind::Workspace => "workspace",
    };
    let template = find(template).ok_or_else(|| Failure::failed(format!("sky carries no template {template:?}")))?;
    let project = Project::new(template, name, real(&here.join(&folder)), values).map_err(Failure::Usage)?;
    project.write().map_err(Failure::Failed)?;
    for sentence in project.notes() {
        note(&sentence);
    }
    print(&next_steps(name, &folder.display().to_string(), kind))
}

/// The template's variables as far as the command line gives them.
fn values(args: &NewArgs, kind: Kind) -> Values {
    let contract = if args.contract_first { "proto" } else { "code" };
    let of_service: [(&str, Value); 3] =
        [("contract", contract.into()), ("streaming", args.streaming.into()), ("event", args.event.into())];
    let of_service = of_service.into_iter().filter(|_| kind == Kind::Service);
    of_service.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn next_steps(name: &str, folder: &str, kind: Kind) -> String {
    let call = match kind {
        Kind::Service => {
            let (method, path) = (method(name), format!("v1/{name}/hello/Ada"));
            format!("  sky call {method} '{{\"name\":\"Ada\"}}'\n  curl -s localhost:8080/{path}\n")
        }
        Kind::Gateway => "  curl -s localhost:8080/readyz\n".to_owned(),
        Kind::Workspace => "  curl -s localhost:8080/v1/hello/Ada\n".to_owned(),
    };
    let typed = shell_word(folder);
    let follows = "follows the sources: a change replaces what runs";
    format!(
        "{name} is in {folder}. Next:\n\n  cd {typed}\n  cargo test\n  sky up cluster.toml --watch   # {follows}\n\n\
         and in a second terminal, in the same folder, once that is ready:\n\n{call}"
    )
}

/// The full name of a new service's method.
fn method(name: &str) -> String {
    let package = name.replace('-', "_");
    format!("{package}.v1.{}/Hello", pascal_case(name))
}
