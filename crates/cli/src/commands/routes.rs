//! `sky routes`: what the gateway serves, and by which service.

use skyloom_gateway::{Route, routes as routes_of};

use crate::{
    failure::Failure,
    method::suggest_service,
    output::{Table, left, list, note, right},
    session::{Global, Session},
};

/// List what a gateway serves: method and path, and by which service
///
/// Every gateway on this registry serves the same. A route that two methods claim belongs to the service with a running
/// instance, or to the first by name if both or neither have one; the other is listed with who has it, and the command
/// ends with exit code 1 if that one is running.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RoutesArgs {
    /// Only those of this service, by its name or its queue
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
}

/// Lists the routes.
///
/// # Errors
/// If the registry does not answer or knows no such service, or if a route is not served.
pub(crate) async fn routes(args: &RoutesArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let snapshot = session.snapshot().await?;
    let mut rows = routes_of(&snapshot);
    if let Some(name) = &args.service {
        let mut named = snapshot.contracts.values();
        let Some(contract) = named.find(|contract| contract.name == *name || contract.queue.as_str() == name) else {
            let hint = suggest_service(&snapshot, name);
            return Err(Failure::failed(format!("no service {name:?} is registered{hint}")));
        };
        rows.retain(|row| row.service == contract.name);
    }
    list(global.json, &rows, table, "no services are registered; start one, and its routes appear here")?;
    // What does not run may have been renamed or taken away, and is in nobody's way.
    let problems = rows.iter().filter(|row| row.problem.is_some() && row.instances > 0).count();
    match problems {
        0 => {
            let idle = rows.iter().any(|row| row.instances == 0);
            if idle && !global.json {
                note(
                    "a service without an instance answers 503 until one starts; `sky services --forget SERVICE` forgets \
                     one that is gone for good",
                );
            }
            Ok(())
        }
        1 => Err(Failure::failed("a route is not served; PROBLEM says why: change its HTTP rule")),
        _ => {
            Err(Failure::failed(format!("{problems} routes are not served; PROBLEM says why: change their HTTP rules")))
        }
    }
}

fn table(rows: &[Route]) -> Table {
    let columns =
        [left("METHOD"), left("PATH"), left("SERVICE/METHOD"), left("STREAM"), right("INSTANCES"), left("PROBLEM")];
    Table::new(columns).with(rows, |row| {
        [
            row.verb.to_string(),
            row.path.clone(),
            format!("{}/{}", row.service, row.method),
            if row.streaming { "yes".to_owned() } else { String::new() },
            row.instances.to_string(),
            row.problem.clone().unwrap_or_default(),
        ]
    })
}
