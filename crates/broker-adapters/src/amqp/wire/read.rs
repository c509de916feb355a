//! Reading the values of which methods and headers are made.

use bytes::{Buf, Bytes};

use super::frame::WireError;

type Result<T> = std::result::Result<T, WireError>;

const SHORT: WireError = WireError("a frame that ends in the middle of a value");

/// A value in a table, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::amqp) enum Value {
    /// A number of any width.
    Number(i64),
    /// Text or bytes.
    Text(Bytes),
    /// Yes or no.
    Flag(bool),
    /// A table in the table.
    Table(Vec<(Bytes, Value)>),
    /// Anything else.
    Other,
}

/// Reads values from a frame's payload, of which they are views.
pub(in crate::amqp) struct Reader(pub(in crate::amqp) Bytes);

impl Reader {
    pub(in crate::amqp) fn octet(&mut self) -> Result<u8> {
        self.0.try_get_u8().map_err(|_| SHORT)
    }

    pub(in crate::amqp) fn short(&mut self) -> Result<u16> {
        self.0.try_get_u16().map_err(|_| SHORT)
    }

    pub(in crate::amqp) fn long(&mut self) -> Result<u32> {
        self.0.try_get_u32().map_err(|_| SHORT)
    }

    pub(in crate::amqp) fn long_long(&mut self) -> Result<u64> {
        self.0.try_get_u64().map_err(|_| SHORT)
    }

    pub(in crate::amqp) fn bytes(&mut self, length: usize) -> Result<Bytes> {
        if length > self.0.len() { Err(SHORT) } else { Ok(self.0.split_to(length)) }
    }

    pub(in crate::amqp) fn short_string(&mut self) -> Result<Bytes> {
        let length = self.octet()?;
        self.bytes(length.into())
    }

    pub(in crate::amqp) fn long_string(&mut self) -> Result<Bytes> {
        let length = self.long()?;
        self.bytes(length as usize)
    }

    /// Text of the server's, to be shown.
    pub(in crate::amqp) fn text(&mut self) -> Result<String> {
        self.short_string().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(in crate::amqp) fn table(&mut self) -> Result<Vec<(Bytes, Value)>> {
        self.nested_table(0)
    }

    fn nested_table(&mut self, depth: u8) -> Result<Vec<(Bytes, Value)>> {
        let mut rest = Self(self.long_string()?);
        let mut entries = Vec::new();
        while !rest.0.is_empty() {
            let name = rest.short_string()?;
            entries.push((name, rest.value(depth)?));
        }
        Ok(entries)
    }

    fn value(&mut self, depth: u8) -> Result<Value> {
        const DEEPEST: u8 = 8;
        if depth > DEEPEST {
            return Err(WireError("tables in tables without end"));
        }
        Ok(match self.octet()? {
            b't' => Value::Flag(self.octet()? != 0),
            b'b' => Value::Number(self.octet()?.cast_signed().into()),
            b'B' => Value::Number(self.octet()?.into()),
            b's' | b'U' => Value::Number(self.short()?.cast_signed().into()),
            b'u' => Value::Number(self.short()?.into()),
            b'I' => Value::Number(self.long()?.cast_signed().into()),
            b'i' => Value::Number(self.long()?.into()),
            b'l' | b'L' | b'T' => Value::Number(self.long_long()?.cast_signed()),
            b'S' | b'x' => Value::Text(self.long_string()?),
            b'F' => Value::Table(self.nested_table(depth + 1)?),
            b'A' => self.long_string().map(|_| Value::Other)?,
            b'f' => self.bytes(4).map(|_| Value::Other)?,
            b'd' => self.bytes(8).map(|_| Value::Other)?,
            b'D' => self.bytes(5).map(|_| Value::Other)?,
            b'V' => Value::Other,
            _ => return Err(WireError("a value of an unknown type")),
        })
    }
}
