//! What is refused whatever it asks for.

use http::{HeaderValue, Method, StatusCode, Version, request::Parts};
use skyloom::Status;

use super::{Failure, Known};

/// Refuses a request with more headers than that, and one by which a page of another site would change something.
pub(crate) fn check(parts: &Parts, known: &Known<'_>, most_headers: usize) -> Result<(), Failure> {
    if parts.headers.len() > most_headers {
        let status = Status::invalid_argument(format!("the request has more than {most_headers} headers"));
        return Err(Failure::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, status));
    }
    check_site(&parts.method, known.fetch_site)
}

/// Browsers let a page of any site send a plain POST to any address that they reach, this one among them, and say whose
/// page it is; whoever is no browser says nothing. `CrossOriginProtection` in Go's `net/http` goes by the same header, and
/// refuses pages of the same site, too, if they are of another origin: here those are taken for the cluster's own.
fn check_site(method: &Method, fetch_site: Option<&HeaderValue>) -> Result<(), Failure> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || fetch_site.is_none_or(|site| site != "cross-site") {
        return Ok(());
    }
    let message = "a page of another site may only read here: the browser says Sec-Fetch-Site: cross-site";
    Err(Status::permission_denied(message).into())
}

/// Refuses a request of HTTP/1.1 that does not name its host, or names two: RFC 9112, section 3.2.
pub(crate) fn check_host(parts: &Parts, known: &Known<'_>) -> Result<(), Failure> {
    let message = match known.hosts {
        1 => return Ok(()),
        0 if parts.version < Version::HTTP_11 => return Ok(()),
        0 => "the request has no header Host, which HTTP/1.1 wants",
        _ => "the request has more than one header Host",
    };
    Err(Status::invalid_argument(message).into())
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::check_site;

    #[test]
    fn only_what_would_change_something_and_comes_from_another_site_is_refused() {
        let refused = |method: &str, site: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            check_site(&method, Some(&site.parse().unwrap())).is_err()
        };
        for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
            assert!(refused(method, "cross-site"), "{method}");
            for site in ["same-origin", "same-site", "none", ""] {
                assert!(!refused(method, site), "{method} {site}");
            }
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(!refused(method, "cross-site"), "{method}");
        }
        assert!(check_site(&Method::POST, None).is_ok());
    }
}
