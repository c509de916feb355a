//! `sky services`: what is offered.

use serde::Serialize;
use skyloom::{
    contract::{Contract, MethodContract},
    registry::Snapshot,
};

use crate::{
    failure::Failure,
    method::suggest_service,
    output::{Table, json, left, list, note, right},
    session::{Global, Session, within},
};

/// List the services, with how many instances of each are running
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServicesArgs {
    /// List each method, its types and how it is reached by REST
    #[arg(short, long)]
    verbose: bool,
    /// Forget a service that is gone for good, by its name or its queue, with its routes; none of its instances may run
    #[arg(long, value_name = "SERVICE", conflicts_with = "verbose")]
    forget: Option<String>,
}

#[derive(Debug, Serialize)]
struct Service {
    name: String,
    version: u32,
    queue: String,
    instances: usize,
    methods: Vec<Method>,
    events: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Method {
    name: String,
    input: String,
    output: String,
    streaming: bool,
    http: Vec<String>,
}

/// Lists the services, or has one forgotten.
///
/// # Errors
/// If the registry does not answer, knows no service of this name, or an instance of it runs.
pub(crate) async fn services(args: &ServicesArgs, session: &Session, global: &Global) -> Result<(), Failure> {
    let snapshot = session.snapshot().await?;
    if let Some(name) = &args.forget {
        return forget(name, &snapshot, session, global).await;
    }
    let rows: Vec<Service> = snapshot.contracts.values().map(|contract| describe(contract, &snapshot)).collect();
    let table = if args.verbose { by_method } else { by_service };
    list(global.json, &rows, table, "no services are registered; start one, and it appears here")
}

async fn forget(name: &str, snapshot: &Snapshot, session: &Session, global: &Global) -> Result<(), Failure> {
    let mut known = snapshot.contracts.values();
    let Some(contract) = known.find(|contract| contract.name == name || contract.queue.as_str() == name) else {
        return Err(Failure::failed(format!("no service {name:?} is registered{}", suggest_service(snapshot, name))));
    };
    let name = &contract.name;
    if snapshot.is_live(name) {
        let what = "stop its instances first; `sky instances` lists them";
        return Err(Failure::failed(format!("{name} runs, and would be known again at once; {what}")));
    }
    within(session.connection().registry.forget(name)).await??;
    match global.json {
        true => json(&serde_json::json!({ "forgotten": name })),
        false => {
            note(&format!("{name} is forgotten, with its routes; it is known again once an instance of it starts"));
            Ok(())
        }
    }
}

fn describe(contract: &Contract, snapshot: &Snapshot) -> Service {
    let serves = |instance: &&std::sync::Arc<skyloom::registry::Instance>| {
        instance.services.iter().any(|served| served.name == contract.name)
    };
    let method = |method: &MethodContract| Method {
        name: method.name.to_string(),
        input: method.input.clone(),
        output: method.output.clone(),
        streaming: method.streaming,
        http: method.http.iter().map(|rule| format!("{} {}", rule.verb, rule.path)).collect(),
    };
    Service {
        name: contract.name.clone(),
        version: contract.version,
        queue: contract.queue.to_string(),
        instances: snapshot.instances.values().filter(serves).count(),
        methods: contract.methods.iter().map(method).collect(),
        events: contract.events.iter().map(|event| event.topic.to_string()).collect(),
    }
}

fn by_service(rows: &[Service]) -> Table {
    let columns =
        [left("SERVICE"), right("VERSION"), left("QUEUE"), right("INSTANCES"), left("METHODS"), left("LISTENS TO")];
    Table::new(columns).with(rows, |row| {
        let methods: Vec<&str> = row.methods.iter().map(|method| method.name.as_str()).collect();
        [
            row.name.clone(),
            row.version.to_string(),
            row.queue.clone(),
            row.instances.to_string(),
            methods.join(", "),
            row.events.join(", "),
        ]
    })
}

fn by_method(rows: &[Service]) -> Table {
    let columns = [left("METHOD"), left("TAKES"), left("ANSWERS"), left("REST")];
    let mut table = Table::new(columns);
    for service in rows {
        for method in &service.methods {
            let answers = if method.streaming { format!("stream of {}", method.output) } else { method.output.clone() };
            let name = format!("{}/{}", service.name, method.name);
            table.row([name, method.input.clone(), answers, method.http.join(", ")]);
        }
    }
    table
}
