//! TLS: whom to trust, and what to say if it fails.

use std::{io, path::Path};

use tokio_rustls::rustls::{
    ClientConfig, Error, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

/// How to connect: trusting the authorities in this file, or those of the system.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn configuration(authority: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(file) => {
            let said = |error: &dyn std::fmt::Display| format!("option ca: {} {error}", file.display());
            let certificates = CertificateDer::pem_file_iter(file).map_err(|error| said(&error))?;
            for certificate in certificates {
                roots.add(certificate.map_err(|error| said(&error))?).map_err(|error| said(&error))?;
            }
            if roots.is_empty() {
                return Err(said(&"has no certificate in it"));
            }
        }
        None => {
            // Some of a system's certificates may be beyond what is understood here; the others do.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("the system has no certificate authorities; give one with ?ca=/path/ca.pem".to_owned());
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The name that the server's certificate must have.
///
/// # Errors
/// That it is none.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']).to_owned();
    let wrong = format!("{name:?} is not a name that a certificate can have");
    ServerName::try_from(name).map_err(|_| wrong)
}

/// What went wrong, and what to do about it.
pub(super) fn explain_tls(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(why)) => {
            format!("its certificate does not verify ({why}); give its authority with ?ca=/path/ca.pem")
        }
        Some(Error::InvalidMessage(_)) => "it does not speak TLS on this port; write amqp://".to_owned(),
        Some(other) => format!("TLS fails: {other}"),
        None => format!("TLS fails: {error}; if it does not speak TLS on this port, write amqp://"),
    }
}
