//! Which URLs are shortened, and what they are shortened to.

use skyloom::prelude::*;
use url::Url;

/// The longest URL, in bytes; what browsers and proxies take without trouble.
const MAX_URL: usize = 2_000;

/// Characters of a short code: 62 to the power of 7 is 3.5 million million codes.
const CODE_LENGTH: usize = 7;

/// Checks that a text is an absolute http or https URL.
pub(crate) fn check_url(text: &str) -> Result<()> {
    let wrong = |reason: String| Err(Status::invalid_argument(format!("url: {reason}")));
    if text.is_empty() {
        return wrong("it is missing: say where the link is to lead".to_owned());
    }
    if text.len() > MAX_URL {
        return wrong(format!("it has {} bytes; at most {MAX_URL} are taken", text.len()));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong(format!("{text:?} has spaces or control characters in it: percent-encode them"));
    }
    match Url::parse(text) {
        Err(error) => wrong(format!("{text:?} is not a URL: {error}; write it as https://example.org/path")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            wrong(format!("{text:?} does not begin with http:// or https://"))
        }
        Ok(_) => Ok(()),
    }
}

/// Checks that a text may be a short code.
pub(crate) fn check_code(code: &str) -> Result<()> {
    if code.len() == CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let shown: String = code.chars().take(40).collect();
    Err(Status::not_found(format!("there is no link {shown:?}: a code has {CODE_LENGTH} letters and digits")))
}

/// A new short code.
pub(crate) fn new_code() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(CODE_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::{check_code, check_url, new_code};

    #[test]
    fn only_absolute_web_addresses_are_shortened() {
        for url in ["https://www.rust-lang.org/learn", "http://localhost:8080/?a=b#c", "https://münchen.example/"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        let long = format!("https://example.org/{}", "x".repeat(2_000));
        for url in [
            "",
            "rust",
            "/learn",
            "javascript:alert(1)",
            "ftp://x/",
            "https://",
            "https://a b/",
            "http://a\r\nb",
            &long,
        ] {
            let status = check_url(url).unwrap_err();
            assert!(status.message().starts_with("url: "), "{status}");
        }
    }

    #[test]
    fn codes() {
        assert!(check_code(&new_code()).is_ok());
        for code in ["", "abc", "../../x", "abcdef\0", "abcdefgh"] {
            assert!(check_code(code).is_err(), "{code}");
        }
    }
}
