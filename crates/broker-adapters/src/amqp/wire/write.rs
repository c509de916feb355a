//! Writing the values of which methods and headers are made.

use bytes::{BufMut, BytesMut};

/// An argument of a declaration, or a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::amqp) enum Argument {
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A table in the table.
    Table(Vec<(&'static str, Argument)>),
}

/// What a short string may have.
const SHORT: usize = 255;

/// Appends a short string. Names here are far shorter than its limit, and text is cut off.
pub(in crate::amqp) fn put_short(out: &mut BytesMut, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..bytes.len().min(SHORT)).unwrap_or_default();
    out.put_u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.put_slice(bytes);
}

/// Appends a long string.
pub(in crate::amqp) fn put_long(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

/// Appends a table whose entries `write` writes.
pub(in crate::amqp) fn put_table_with(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let size_at = out.len();
    out.put_u32(0);
    write(out);
    let size = u32::try_from(out.len() - size_at - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(size_at..size_at + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// Appends a table.
pub(in crate::amqp) fn put_table(out: &mut BytesMut, entries: &[(&'static str, Argument)]) {
    put_table_with(out, |out| entries.iter().for_each(|(name, value)| put_entry(out, name, value)));
}

fn put_entry(out: &mut BytesMut, name: &str, value: &Argument) {
    match value {
        Argument::Number(number) => put_number(out, name, *number),
        Argument::Text(text) => put_text(out, name, text),
        Argument::Flag(flag) => {
            put_short(out, name);
            out.put_u8(b't');
            out.put_u8((*flag).into());
        }
        Argument::Table(entries) => {
            put_short(out, name);
            out.put_u8(b'F');
            put_table(out, entries);
        }
    }
}

/// Appends a table's entry that is a number.
pub(in crate::amqp) fn put_number(out: &mut BytesMut, name: &str, number: i64) {
    put_short(out, name);
    out.put_u8(b'l');
    out.put_i64(number);
}

/// Appends a table's entry that is text.
pub(in crate::amqp) fn put_text(out: &mut BytesMut, name: &str, text: &str) {
    put_short(out, name);
    out.put_u8(b'S');
    put_long(out, text.as_bytes());
}
