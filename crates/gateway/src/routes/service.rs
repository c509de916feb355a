//! A contract, ready to be served.

use std::{sync::Arc, time::Duration};

use skyloom::{
    Text,
    contract::{Contract, HttpRule, HttpVerb},
};

use super::{Operation, RestRoute, Service};
use crate::{bind::find_json, template::Template};
use skyloom::transcode::{Transcoder, Types, find_field};

/// A contract whose descriptors and templates have been read; kept for as long as the contract
/// stays the same.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) contract: Arc<Contract>,
    pub(super) service: Arc<Service>,
    pub(super) operations: Vec<Arc<Operation>>,
    pub(super) rules: Vec<(HttpVerb, Rule, Arc<RestRoute>)>,
    /// The rules that cannot be served: of which method, and why.
    pub(super) refused: Vec<(String, HttpRule, String)>,
}

/// A rule's path as it was written and as it was read.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) path: String,
    pub(super) template: Template,
}

impl Compiled {
    /// Reads a contract. What is wrong with it is logged and left out: a service's mistake must not
    /// keep the gateway from serving others.
    pub(super) fn new(contract: Arc<Contract>) -> Self {
        let service = Arc::new(Service::new(contract.name.clone(), contract.queue.clone().into()));
        let transcoder = Transcoder::new(&contract).unwrap_or_else(|error| {
            tracing::warn!(%error, "its methods can be called with protobuf only");
            Transcoder::undescribed(&contract)
        });
        let (operations, rules, refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut compiled = Self { contract: Arc::clone(&contract), service, operations, rules, refused };
        for method in &contract.methods {
            let Some(types) = transcoder.method(method.name.as_str()) else { continue };
            let operation = Arc::new(Operation {
                service: Arc::clone(&compiled.service),
                method: Text::from(method.name.to_string()),
                transcoder: types.clone(),
                streaming: method.streaming,
                idempotent: method.idempotent,
                timeout: method.timeout_ms.map(Duration::from_millis),
            });
            for rule in &method.http {
                match parse(&rule.path, types.input()) {
                    Ok(template) => {
                        let route = RestRoute {
                            operation: Arc::clone(&operation),
                            pieces: template.pieces.clone(),
                            variables: template.variables.clone(),
                            body: rule.body.clone(),
                            response_body: Some(rule.response_body.clone()).filter(|field| !field.is_empty()),
                        };
                        let read = Rule { path: rule.path.clone(), template };
                        compiled.rules.push((rule.verb, read, Arc::new(route)));
                    }
                    Err(reason) => {
                        let method = types.name();
                        tracing::warn!(method, path = rule.path, reason, "this HTTP rule cannot be served");
                        compiled.refused.push((operation.method.to_string(), rule.clone(), reason));
                    }
                }
            }
            compiled.operations.push(operation);
        }
        compiled
    }
}

fn parse(path: &str, input: &Types) -> Result<Template, String> {
    let template: Template = path.parse().map_err(|error: crate::template::TemplateError| error.to_string())?;
    for variable in &template.variables {
        match input {
            Types::Protobuf(descriptor) => {
                let first = variable.field.first().map(Box::as_ref).unwrap_or_default();
                if find_field(descriptor, first).is_none() {
                    return Err(format!("{} has no field {first:?}", descriptor.full_name()));
                }
            }
            Types::Json(shape) => find_json(shape, &variable.field).map_err(|error| error.message().to_owned())?,
            Types::Raw | Types::Unknown => {}
        }
    }
    Ok(template)
}
