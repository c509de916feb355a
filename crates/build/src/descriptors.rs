//! The `FileDescriptorSet` of a package, as a service carries it in its contract.

use std::collections::HashSet;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, ReflectMessage as _, Value,
    prost::{DecodeError, Message as _},
};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// The encoded files of a package and all they import, imports first. Options of any extension are
/// kept; places and comments, which nobody needs at run time, are not.
pub(crate) fn of_package(pool: &DescriptorPool, package: &str) -> Result<Vec<u8>, DecodeError> {
    let (mut seen, mut files) = (HashSet::new(), Vec::new());
    for file in pool.files().filter(|file| file.package_name() == package) {
        add(&file, &mut seen, &mut files)?;
    }
    let mut set = FileDescriptorSet::default().transcode_to_dynamic();
    set.set_field_by_name("file", Value::List(files));
    Ok(set.encode_to_vec())
}

/// The compiler has refused circular imports and files that are nested too deeply to be parsed.
fn add(file: &FileDescriptor, seen: &mut HashSet<String>, files: &mut Vec<Value>) -> Result<(), DecodeError> {
    if !seen.insert(file.name().to_owned()) {
        return Ok(());
    }
    for import in file.dependencies() {
        add(&import, seen, files)?;
    }
    let descriptor = FileDescriptorProto::default().descriptor();
    let mut message = DynamicMessage::decode(descriptor, file.encode_to_vec().as_slice())?;
    message.clear_field_by_name("source_code_info");
    files.push(Value::Message(message));
    Ok(())
}
