//! What a `.proto` says about its services, beyond what the message generator knows.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor, MethodDescriptor, ServiceDescriptor};
use prost_types::method_options::IdempotencyLevel;

use crate::{BuildError, rule::rules};

pub(crate) use crate::rule::Rule;

/// The contracts of all services by full name.
pub(crate) type Contracts = HashMap<String, Contract>;

/// One service.
pub(crate) struct Contract {
    /// The version that the package states, or 1.
    pub(crate) version: u32,
    /// The methods by name.
    pub(crate) methods: HashMap<String, Method>,
}

/// One method.
pub(crate) struct Method {
    /// Whether executing it twice does no more than executing it once.
    pub(crate) idempotent: bool,
    /// How REST reaches it.
    pub(crate) rules: Vec<Rule>,
}

/// Reads all services. If methods are wrong, all of them are reported.
pub(crate) fn read(pool: &DescriptorPool, place: impl Fn(&FileDescriptor) -> String) -> Result<Contracts, BuildError> {
    let mut mistakes = Vec::new();
    let contracts = pool.services().map(|service| {
        let contract = contract(&service, &place, &mut mistakes);
        (service.full_name().to_owned(), contract)
    });
    let contracts = contracts.collect();
    if mistakes.is_empty() { Ok(contracts) } else { Err(BuildError::Contract(mistakes)) }
}

fn contract(
    service: &ServiceDescriptor,
    place: &impl Fn(&FileDescriptor) -> String,
    mistakes: &mut Vec<String>,
) -> Contract {
    let mut methods = HashMap::new();
    for descriptor in service.methods() {
        match method(&descriptor) {
            Ok(method) => {
                methods.insert(descriptor.name().to_owned(), method);
            }
            Err(problem) => {
                let file = service.parent_file();
                let line = line(&file, descriptor.path()).map(|line| format!(":{line}")).unwrap_or_default();
                mistakes.push(format!("{}{line}: {}: {problem}", place(&file), descriptor.full_name()));
            }
        }
    }
    Contract { version: version(service.package_name()), methods }
}

fn method(descriptor: &MethodDescriptor) -> Result<Method, String> {
    if descriptor.is_client_streaming() {
        let advice = "take one message, or several calls";
        return Err(format!("its request is a stream, and a queue holds whole messages: {advice}"));
    }
    let options = descriptor.method_descriptor_proto().options.as_ref();
    let level = options.map(prost_types::MethodOptions::idempotency_level).unwrap_or_default();
    Ok(Method { idempotent: level != IdempotencyLevel::IdempotencyUnknown, rules: rules(descriptor)? })
}

/// 1 of `greeter.v1` and of `greeter.v1beta2`; 1 if the package states none.
fn version(package: &str) -> u32 {
    let last = package.rsplit('.').next().unwrap_or(package);
    let digits = last.strip_prefix('v').unwrap_or_default();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse().ok()).filter(|version| *version > 0).unwrap_or(1)
}

fn line(file: &FileDescriptor, path: &[i32]) -> Option<i32> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let location = info.location.iter().find(|location| location.path == path)?;
    location.span.first().map(|line| line + 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions() {
        for (package, version) in [("greeter.v1", 1), ("a.b.v12", 12), ("a.v2beta1", 2), ("a", 1), ("", 1), ("a.v0", 1)]
        {
            assert_eq!(super::version(package), version, "{package}");
        }
    }
}
