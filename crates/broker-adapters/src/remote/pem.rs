//! Files of certificates.

use std::path::Path;

/// How each certificate begins in such a file (RFC 7468).
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Checks that there is a certificate in a file: the libraries take one without for the trust in nobody.
///
/// # Errors
/// A sentence that names the file.
pub(crate) fn check_certificates(file: &Path, content: &[u8]) -> Result<(), String> {
    match content.windows(BEGIN.len()).any(|part| part == BEGIN) {
        true => Ok(()),
        false => Err(format!("{} has no certificate in it", file.display())),
    }
}
