//! What a template's variables hold.

use std::collections::BTreeMap;

/// The variables by name.
pub(super) type Values = BTreeMap<String, Value>;

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

impl Value {
    /// In Liquid everything is true but `false` and what does not exist.
    pub(super) fn is_true(&self) -> bool {
        *self != Self::Flag(false)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
