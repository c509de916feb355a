//! The service part of the generated code: a small trait under `#[service]`, which does the rest.

use std::fmt::Write as _;

use prost_build::{Method, Service, ServiceGenerator};

use crate::contract::{self, Contracts};

/// The constant with a package's descriptors.
const DESCRIPTORS: &str = "FILE_DESCRIPTOR_SET";

/// The file with a package's descriptors, beside the code.
pub(crate) fn descriptors_file(package: &str) -> String {
    let stem = if package.is_empty() { "_" } else { package };
    format!("{stem}.descriptors.bin")
}

/// What the function of a method called `New` is called: the client's constructor has its name.
const NEW: &str = "new_";

/// Writes the traits, and whatever a second generator adds.
pub(crate) struct Traits {
    contracts: Contracts,
    also: Option<Box<dyn ServiceGenerator>>,
}

impl Traits {
    /// A generator for these contracts.
    pub(crate) fn new(contracts: Contracts, also: Option<Box<dyn ServiceGenerator>>) -> Self {
        Self { contracts, also }
    }
}

impl ServiceGenerator for Traits {
    fn generate(&mut self, service: Service, buf: &mut String) {
        let full_name = match service.package.as_str() {
            "" => service.proto_name.clone(),
            package => format!("{package}.{}", service.proto_name),
        };
        if let Some(contract) = self.contracts.get(&full_name) {
            write_trait(&service, &full_name, contract, buf);
        }
        if let Some(also) = &mut self.also {
            also.generate(service, buf);
        }
    }

    fn finalize(&mut self, buf: &mut String) {
        if let Some(also) = &mut self.also {
            also.finalize(buf);
        }
    }

    fn finalize_package(&mut self, package: &str, buf: &mut String) {
        let file = descriptors_file(package);
        buf.push_str("/// The encoded `FileDescriptorSet` of this package and all it imports.\n");
        buf.push_str("#[allow(unreachable_pub)]\n");
        push(buf, format_args!("pub const {DESCRIPTORS}: &[u8] = include_bytes!({file:?});\n"));
        if let Some(also) = &mut self.also {
            also.finalize_package(package, buf);
        }
    }
}

fn write_trait(service: &Service, full_name: &str, contract: &contract::Contract, buf: &mut String) {
    service.comments.append_with_indent(0, buf);
    let version = contract.version;
    push(
        buf,
        format_args!("#[::skyloom::service(version = {version}, name = {full_name:?}, descriptors = {DESCRIPTORS})]\n"),
    );
    push(buf, format_args!("#[allow(missing_docs, unreachable_pub)]\npub trait {} {{\n", service.name));
    for method in &service.methods {
        if let Some(known) = contract.methods.get(&method.proto_name) {
            write_method(method, known, buf);
        }
    }
    buf.push_str("}\n");
}

fn write_method(method: &Method, known: &contract::Method, buf: &mut String) {
    method.comments.append_with_indent(1, buf);
    buf.push_str("    #[handler(\n");
    push(buf, format_args!("        name = {:?},\n", method.proto_name));
    if known.idempotent {
        buf.push_str("        idempotent,\n");
    }
    for (index, rule) in known.rules.iter().enumerate() {
        let text = rule_options(rule);
        match index {
            0 => push(buf, format_args!("        {text},\n")),
            _ => push(buf, format_args!("        also({text}),\n")),
        }
    }
    let input = method.input_proto_type.trim_start_matches('.');
    let output = method.output_proto_type.trim_start_matches('.');
    push(buf, format_args!("        types(input = {input:?}, output = {output:?}),\n    )]\n"));
    let (takes, answers) = (&method.input_type, &method.output_type);
    let answers = if method.server_streaming { format!("::skyloom::Streaming<{answers}>") } else { answers.clone() };
    let name = if method.name == "new" { NEW } else { &method.name };
    push(buf, format_args!("    async fn {name}(&self, ctx: ::skyloom::Context, request: {takes})"));
    push(buf, format_args!(" -> ::skyloom::Result<{answers}>;\n"));
}

/// A rule as `#[handler]` takes it; there, POST, PUT and PATCH have a body unless told otherwise.
fn rule_options(rule: &contract::Rule) -> String {
    let contract::Rule { verb, path, body, response_body } = rule;
    let mut text = format!("{verb} = {path:?}");
    if !body.is_empty() || !matches!(*verb, "get" | "delete") {
        push(&mut text, format_args!(", body = {body:?}"));
    }
    if !response_body.is_empty() {
        push(&mut text, format_args!(", response_body = {response_body:?}"));
    }
    text
}

/// Writing to a `String` does not fail.
fn push(buf: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = buf.write_fmt(text);
}
