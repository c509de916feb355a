//! Text into the fields of a protobuf message.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};
use skyloom::{Result, Status};

use super::{scalar, unfit::unfit};
use skyloom::transcode::{find_field, hint};

/// Sets the field at this path, or adds to it if it is repeated; `name` is the path as the caller
/// wrote it.
pub(crate) fn bind_message<'a>(
    message: &mut DynamicMessage,
    name: &str,
    mut path: impl Iterator<Item = &'a str>,
    text: &str,
) -> Result<()> {
    let mut target = message;
    let mut step = path.next().unwrap_or_default();
    loop {
        let descriptor = target.descriptor();
        let Some(field) = find_field(&descriptor, step) else {
            let names: Vec<_> = descriptor.fields().map(|field| field.name().to_owned()).collect();
            let hint = hint(step, names.iter().map(String::as_str));
            let message = format!("there is no field {name:?} in {}{hint}", descriptor.full_name());
            return Err(Status::invalid_argument(message));
        };
        if let Some(other) = alternative(target, &field) {
            let other = other.name();
            let message = format!("{name:?} cannot be given beside {other:?}: of these one alone can be set");
            return Err(Status::invalid_argument(message));
        }
        let Some(next) = path.next() else {
            if field.is_map() {
                return Err(unfit(name, "sent in the body, since it is a map", text));
            }
            let value = scalar::value(&field.kind(), text).map_err(|expected| unfit(name, &expected, text))?;
            match target.get_field_mut(&field) {
                Value::List(values) if field.is_list() => values.push(value),
                slot => *slot = value,
            }
            return Ok(());
        };
        let nested = matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !field.is_map();
        target = match target.get_field_mut(&field) {
            Value::Message(inner) if nested => inner,
            _ => {
                let message = format!("{step:?} in {name:?} is no message and has no fields of its own");
                return Err(Status::invalid_argument(message));
            }
        };
        step = next;
    }
}

/// The field that is set and would be cleared if this one is: another of its `oneof`.
fn alternative(message: &DynamicMessage, field: &FieldDescriptor) -> Option<FieldDescriptor> {
    let choice = field.containing_oneof()?;
    choice.fields().find(|other| other != field && message.has_field(other))
}
