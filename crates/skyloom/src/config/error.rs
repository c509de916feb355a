//! What can be wrong with a configuration.

use std::path::PathBuf;

use crate::system::why;

/// What is wrong with the configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", path.display(), why(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not TOML: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{place}: there is no key {key:?}; {hint}")]
    UnknownKey {
        /// Where: a file with its line, an environment variable or a flag.
        place: String,
        /// The key.
        key: String,
        /// The nearest key, or all of them.
        hint: String,
    },
    /// A value of the wrong form.
    #[error("{place}: {key}: {reason}")]
    Value {
        /// Where: a file with its line, an environment variable or a flag.
        place: String,
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The service's own settings do not have the form that the service expects.
    #[error("the service's settings: {0}")]
    Own(String),
}

impl From<ConfigError> for skyloom_core::Status {
    fn from(error: ConfigError) -> Self {
        Self::failed_precondition(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::ConfigError;

    #[test]
    fn a_file_that_cannot_be_read_is_told_in_words() {
        let error = ConfigError::Unreadable { path: "a.toml".into(), source: io::Error::from_raw_os_error(13) };
        assert_eq!(error.to_string(), "cannot read a.toml: this user may not");
    }
}
