//! Which URLs are shortened, and what they are shortened to.

use skyloom::prelude::*;
use url::Url;

/// The longest URL, in bytes; what browsers and proxies take without trouble.
const MAX_URL: usize = 2_000;

/// How many characters of what was sent are shown to whoever has sent it.
const SHOWN: usize = 64;

/// Characters of a short code: 62 to the power of 7 is 3.5 million million codes.
const CODE_LENGTH: usize = 7;

/// The address that a text stands for, as it is kept and sent: an absolute http or https URL, its host in ASCII and all
/// else escaped, so that it can be a header.
pub(crate) fn address(text: &str) -> Result<String> {
    let wrong = |reason: String| Status::invalid_argument(format!("url: {reason}"));
    let too_long = |length: usize, when| wrong(format!("it has {length} bytes{when}; at most {MAX_URL} are taken"));
    if text.is_empty() {
        return Err(wrong("it is missing: say where the link is to lead".to_owned()));
    }
    if text.len() > MAX_URL {
        return Err(too_long(text.len(), ""));
    }
    let shown = shown(text);
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong(format!("{shown} has spaces or control characters in it: percent-encode them")));
    }
    let url = Url::parse(text)
        .map_err(|error| wrong(format!("{shown} is not a URL: {error}; write it as https://example.org/path")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("{shown} does not begin with http:// or https://")));
    }
    if !names_host(&url, text) {
        return Err(wrong(format!("{shown} does not name a host: write it as https://example.org/path")));
    }
    if !escapes_well(text) {
        let advice = "write %25 for the sign itself";
        return Err(wrong(format!("{shown} has a % that is not followed by two hexadecimal digits; {advice}")));
    }
    let address = String::from(url);
    if address.len() > MAX_URL {
        return Err(too_long(address.len(), " once it is escaped"));
    }
    Ok(address)
}

/// Whether two slashes and a host follow the scheme: the standard for browsers makes one of whatever comes first.
fn names_host(url: &Url, text: &str) -> bool {
    let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    rest.is_some_and(|rest| !rest.starts_with(['/', '\\']))
}

/// Whether two hexadecimal digits follow each percent sign.
fn escapes_well(text: &str) -> bool {
    let mut escapes = text.as_bytes().split(|byte| *byte == b'%').skip(1);
    escapes.all(|after| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Enough of a text that whoever has sent it knows it again.
fn shown(text: &str) -> String {
    let (start, more) = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), "..."),
        None => (text, ""),
    };
    format!("{start:?}{more}")
}

/// Checks that a text may be a short code.
pub(crate) fn check_code(code: &str) -> Result<()> {
    if code.len() == CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let shown = shown(code);
    Err(Status::not_found(format!("there is no link {shown}: a code has {CODE_LENGTH} letters and digits")))
}

/// A new short code.
pub(crate) fn new_code() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(CODE_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_URL, address, check_code, new_code};

    #[test]
    fn a_web_address_is_kept_as_it_is_sent() {
        for (text, kept) in [
            ("https://www.rust-lang.org/learn", "https://www.rust-lang.org/learn"),
            ("http://localhost:8080/?a=b#c", "http://localhost:8080/?a=b#c"),
            ("HTTP://Example.ORG:80", "http://example.org/"),
            ("https://münchen.example/ü?ü#ü", "https://xn--mnchen-3ya.example/%C3%BC?%C3%BC#%C3%BC"),
            ("https://user:p%40ss@example.org/100%25", "https://user:p%40ss@example.org/100%25"),
            ("http://[::1]/a?next=http://b/", "http://[::1]/a?next=http://b/"),
        ] {
            assert_eq!(address(text).unwrap(), kept);
        }
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        let long = format!("https://example.org/{}", "x".repeat(2_000));
        let longer_when_escaped = format!("https://example.org/{}", "ü".repeat(900));
        for (text, reason) in [
            ("", "it is missing"),
            ("rust", "\"rust\" is not a URL"),
            ("/learn", "is not a URL"),
            ("https://", "is not a URL"),
            ("https://example.org:99999/", "is not a URL: invalid port number"),
            ("javascript:alert(1)", "does not begin with http"),
            ("ftp://x/", "does not begin with http"),
            ("https:example.org", "\"https:example.org\" does not name a host: write it as https://example.org/path"),
            ("https:///example.org", "does not name a host"),
            ("https:example.org?next=https://example.org/", "does not name a host"),
            ("https:\\\\example.org", "does not name a host"),
            ("http://h/%zz", "has a % that is not followed by two hexadecimal digits; write %25 for the sign itself"),
            ("http://h/?q=100%", "has a % that"),
            ("http://h/#%4", "has a % that"),
            ("https://a b/", "has spaces or control characters"),
            ("http://a\r\nb", "has spaces or control characters"),
            (&*long, "it has 2020 bytes; at most 2000 are taken"),
            (&*longer_when_escaped, "it has 5420 bytes once it is escaped; at most 2000 are taken"),
        ] {
            let status = address(text).unwrap_err();
            assert!(status.message().starts_with("url: ") && status.message().contains(reason), "{text}: {status}");
        }
    }

    #[test]
    fn a_long_text_is_not_sent_back_whole() {
        for start in ["https://h/%zz", "ftp://h/", "https:h/", "https://h/ ", "x"] {
            let text = format!("{start}{}", "x".repeat(MAX_URL - start.len()));
            let status = address(&text).unwrap_err();
            assert!(status.message().contains("xxx\"...") && status.message().len() < 250, "{status}");
        }
        assert!(check_code(&"x".repeat(2_000)).unwrap_err().message().len() < 250);
    }

    #[test]
    fn codes() {
        assert!(check_code(&new_code()).is_ok());
        for code in ["", "abc", "../../x", "abcdef\0", "abcdefgh"] {
            assert!(check_code(code).is_err(), "{code}");
        }
    }
}
