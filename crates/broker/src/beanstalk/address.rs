//! Where beanstalkd's clients reach the broker.

use crate::door::{Address, AddressError};

/// Text that names no place for the beanstalkd door, or one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeanstalkAddressError {
    /// It has none of the known forms.
    #[error("{0:?} is not an address for beanstalkd's clients: use 127.0.0.1:11300 or unix:/path/to/beanstalk.sock")]
    Form(String),
    /// It cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Reads `127.0.0.1:11300` or `unix:/path`.
///
/// # Errors
/// [`BeanstalkAddressError`] if it is neither, or if the network could reach it.
pub fn beanstalk_address(text: &str) -> Result<Address, BeanstalkAddressError> {
    let unix = text.starts_with("unix:");
    let address = if unix { text.to_owned() } else { format!("tcp://{text}") };
    address.parse().map_err(|error| match error {
        AddressError::Form(_) => BeanstalkAddressError::Form(text.to_owned()),
        error => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::beanstalk_address;

    #[test]
    fn both_forms_are_read() {
        for (text, address) in [
            ("127.0.0.1:11300", "tcp://127.0.0.1:11300"),
            ("localhost:1", "tcp://127.0.0.1:1"),
            ("[::1]:11300", "tcp://[::1]:11300"),
            ("unix:/run/beanstalk.sock", "unix:/run/beanstalk.sock"),
        ] {
            assert_eq!(beanstalk_address(text).unwrap().to_string(), address);
        }
    }

    #[test]
    fn others_are_refused_with_a_sentence() {
        for (text, sentence) in [
            ("", "use 127.0.0.1:11300 or unix:"),
            ("11300", "\"11300\" is not an address for beanstalkd's clients"),
            ("127.0.0.1", "use 127.0.0.1:11300"),
            ("tcp://127.0.0.1:1", "use 127.0.0.1:11300"),
            ("local:", "use 127.0.0.1:11300"),
            ("unix:beanstalk.sock", "is relative"),
            ("0.0.0.0:11300", "anybody on the network could use the broker"),
        ] {
            let error = beanstalk_address(text).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
