//! Validated names. Every name that enters Skyloom, from code, configuration, a socket or a URL,
//! goes through one of these newtypes.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name, in bytes. beanstalkd allows 200, AMQP 255; 64 leaves room for a prefix on
/// each of the brokers.
pub const MAX_NAME: usize = 64;

/// A name that breaks the rules, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a {what} name: {reason}")]
pub struct NameError {
    name: String,
    what: &'static str,
    reason: &'static str,
}

impl NameError {
    fn new(name: &str, what: &'static str, reason: &'static str) -> Self {
        Self { name: name.chars().take(MAX_NAME).collect(), what, reason }
    }
}

/// A name's text. One that is written in the source is copied for nothing.
#[derive(Clone)]
enum Kept {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Deref for Kept {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Kept {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Kept {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

fn check_channel_part(name: &str) -> Result<(), &'static str> {
    let first = *name.as_bytes().first().ok_or("it is empty")?;
    if name.len() > MAX_NAME {
        return Err("it is longer than 64 characters");
    }
    if first == b'_' {
        return Err("names that start with _ are the framework's own");
    }
    let allowed = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(b);
    if !name.as_bytes().iter().all(allowed) {
        return Err("use only a-z, 0-9, dot, underscore and hyphen");
    }
    if !(first.is_ascii_lowercase() || first.is_ascii_digit()) {
        return Err("start it with a letter or a digit");
    }
    if name.contains("..") {
        return Err("two dots in a row are not allowed");
    }
    Ok(())
}

fn check_identifier(name: &str) -> Result<(), &'static str> {
    let first = *name.as_bytes().first().ok_or("it is empty")?;
    if name.len() > MAX_NAME {
        return Err("it is longer than 64 characters");
    }
    if !first.is_ascii_alphabetic() {
        return Err("start it with a letter");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("use only letters, digits and underscore");
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Kept);

        impl $type {
            /// Checks the text and makes it a name.
            ///
            /// # Errors
            /// [`NameError`] says which rule the text breaks.
            pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
                let name = name.as_ref();
                $check(name).map_err(|reason| NameError::new(name, $what, reason))?;
                Ok(Self(Kept::Shared(name.into())))
            }

            /// A name that is written in the source.
            ///
            /// # Panics
            /// If the text breaks the rules; text from outside goes through `new`.
            #[must_use]
            #[track_caller]
            pub fn from_static(name: &'static str) -> Self {
                match $check(name) {
                    Ok(()) => Self(Kept::Static(name)),
                    Err(reason) => panic!("{}", NameError::new(name, $what, reason)),
                }
            }

            /// The name's text.
            #[must_use]
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A service's well-known queue, such as `greeter.v1`: `[a-z0-9][a-z0-9._-]{0,63}`, no `..`.
    QueueName, "queue", check_channel_part
);
name!(
    /// A broadcast channel, such as `links.visited`; the same rules as a queue's name.
    TopicName, "topic", check_channel_part
);
name!(
    /// A group of subscribers that share a topic's events, such as `audit`; the same rules as a
    /// queue's name.
    GroupName, "group", check_channel_part
);
name!(
    /// A method of a service, such as `Hello`: `[A-Za-z][A-Za-z0-9_]{0,63}`.
    MethodName, "method", check_identifier
);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{MethodName, QueueName};

    #[test]
    fn well_formed_names_pass() {
        for name in ["a", "0", "greeter.v1", "order_book.v1", "a-b.c", &"x".repeat(64)] {
            assert_eq!(QueueName::new(name).unwrap().as_str(), name);
        }
        assert_eq!(MethodName::new("Hello").unwrap().as_str(), "Hello");
    }

    #[test]
    fn a_name_is_its_text_wherever_that_is_kept() {
        let names = [QueueName::from_static("greeter.v1"), QueueName::new("greeter.v1").unwrap()];
        assert_eq!(names[0], names[1]);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 1);
        assert!(names[0] > QueueName::new("audit.v1").unwrap());
    }

    #[test]
    fn hostile_names_are_refused_with_a_reason() {
        let long = "x".repeat(300);
        let cases = ["", "_inbox.1", "../etc", "a..b", "a\r\nb", "a\0b", "A", "a b", "a/b", "a*", "a>", ".a", &long];
        for name in cases {
            let error = QueueName::new(name).unwrap_err().to_string();
            assert!(error.contains("is not a queue name: "), "{error}");
            assert!(error.len() < 400);
        }
        for name in ["", "1a", "a-b", "a.b", "ä", &long] {
            assert!(MethodName::new(name).is_err(), "{name}");
        }
    }
}
