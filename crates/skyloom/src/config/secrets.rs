//! What is secret by its name, and how a value is shown without what is.

use config::{Value, ValueKind};

/// What is written in the place of a secret.
const HIDDEN: &str = "***";

/// A name whose last word is one of these, or their plural, is one of a secret.
pub(super) const WORDS: [&str; 13] = [
    "auth",
    "authorization",
    "cookie",
    "credential",
    "jwt",
    "key",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "token",
];

/// A key is none of a lock after one of these.
pub(super) const OPEN_KEYS: [&str; 6] = ["idempotency", "partition", "primary", "public", "routing", "sort"];

/// What is often written together with the word before it, as in `authtoken`.
const ENDINGS: [&str; 6] = ["apikey", "passphrase", "passwd", "password", "secret", "token"];

/// The schemes whose login is a token if it has no password.
const TOKENS: [&str; 4] = ["http", "https", "nats", "tls"];

/// Whether a name, of a setting, a variable or a header, is one of a secret: by its last word, whatever its case, such
/// as `db_password`, `API_KEY`, `apiToken` or `Authorization`.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let words = words(name);
    let Some((last, earlier)) = words.split_last() else { return false };
    let last = if WORDS.contains(&last.as_str()) { last.as_str() } else { last.strip_suffix('s').unwrap_or(last) };
    let is_open = last == "key" && earlier.last().is_some_and(|word| OPEN_KEYS.contains(&word.as_str()));
    !is_open && (WORDS.contains(&last) || ENDINGS.iter().any(|ending| last.ends_with(ending)))
}

/// The words of a name in small letters, without the numbers at its end.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.trim_end_matches(|c: char| !c.is_alphabetic()).chars() {
        if !letter.is_alphanumeric() || was_small && letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The value of this name as it may be shown: nothing of it if the name is one of a secret, and otherwise
/// [`without_password`].
#[must_use]
pub fn shown(name: &str, text: &str) -> String {
    if !text.is_empty() && is_secret(name) { HIDDEN.to_owned() } else { without_password(text) }
}

/// The same for a value with an inside: what is in a table goes by its own name, too.
pub(super) fn shown_value(name: &str, value: &Value) -> String {
    match &value.kind {
        ValueKind::Table(_) | ValueKind::Array(_) => inside(name, value),
        kind => shown(name, &kind.to_string()),
    }
}

fn inside(name: &str, value: &Value) -> String {
    match &value.kind {
        _ if is_secret(name) => HIDDEN.to_owned(),
        ValueKind::Table(table) => {
            let mut pairs: Vec<_> =
                table.iter().map(|(key, value)| format!("{key} = {}", inside(key, value))).collect();
            pairs.sort();
            format!("{{ {} }}", pairs.join(", "))
        }
        ValueKind::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| inside(name, value)).collect();
            format!("[{}]", values.join(", "))
        }
        ValueKind::String(text) => format!("{:?}", without_password(text)),
        kind => kind.to_string(),
    }
}

/// What serde says of a value that it cannot use, without the value if this name is one of a secret.
#[must_use]
pub fn shown_mistake(name: &str, message: &str) -> String {
    let found = message.find(['"', '`']).zip(message.rfind(", expected "));
    match found.filter(|(start, end)| is_secret(name) && start < end) {
        Some((start, end)) => {
            let (before, rest) = message.split_at(start);
            format!("{before}{HIDDEN}{}", rest.get(end - start..).unwrap_or_default())
        }
        None => without_password(message),
    }
}

/// A text as it may be shown: without the passwords and tokens of the URLs in it (`nats://ada:***@host`), and
/// without what follows the name of a secret (`password=***`, `Authorization: ***`).
#[must_use]
pub fn without_password(text: &str) -> String {
    let header = text.split_once(':').filter(|(name, value)| {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        is_name && !value.trim().is_empty() && !value.starts_with("//") && is_secret(name)
    });
    match header {
        Some((name, _)) => format!("{name}: {HIDDEN}"),
        None => without_pairs(&without_logins(text)),
    }
}

/// Without the passwords and tokens of URLs.
fn without_logins(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        shown.push_str(before);
        shown.push_str("://");
        rest = after;
        let Some((login, tail)) = login(after).and_then(|end| after.split_at_checked(end)) else { continue };
        match login.split_once(':') {
            Some((user, _)) => {
                shown.push_str(user);
                shown.push(':');
                shown.push_str(HIDDEN);
            }
            None if TOKENS.contains(&scheme) => shown.push_str(HIDDEN),
            None => shown.push_str(login),
        }
        rest = tail;
    }
    shown + rest
}

/// Where the login of a URL ends that begins with this after its scheme.
fn login(rest: &str) -> Option<usize> {
    let within = rest.find(|c: char| c.is_whitespace() || "\"'`".contains(c)).unwrap_or(rest.len());
    let url = rest.get(..within)?;
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        return Some(at);
    }
    // A password in which a slash is not written %2F looks like a port that is no number.
    let (_, port) = authority.split_once(':').filter(|_| !authority.starts_with('['))?;
    let is_port = port.bytes().all(|b| b.is_ascii_digit());
    url.split("://").next().unwrap_or_default().rfind('@').filter(|_| !is_port)
}

/// Without what follows the name of a secret and an equals sign, in quotes or not.
fn without_pairs(text: &str) -> String {
    let is_of_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        shown.push_str(before);
        shown.push('=');
        rest = after;
        let name = before.rsplit(|c| !is_of_name(c)).next().unwrap_or_default();
        let end = value_end(after);
        if end > 0 && is_secret(name) {
            shown.push_str(HIDDEN);
            rest = after.get(end..).unwrap_or_default();
        }
    }
    shown + rest
}

fn value_end(rest: &str) -> usize {
    let quote = rest.chars().next().filter(|first| "\"'".contains(*first));
    let end = match quote {
        Some(quote) => rest.get(1..).and_then(|inner| inner.find(quote)).map(|end| end + 2),
        None => rest.find(|c: char| c.is_whitespace() || "&;,#\"'`".contains(c)),
    };
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_the_last_word_of_its_name() {
        for name in [
            "token",
            "TOKEN",
            "api_key",
            "apiKey",
            "APIKEY",
            "private-key",
            "db.password",
            "DB_PASSWORD_2",
            "password1",
            "client_secret",
            "clientsecret",
            "Authorization",
            "proxy-authorization",
            "Set-Cookie",
            "credentials",
            "keys",
            "smtp_pass",
            "x-auth-token",
            "accesstokens",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "",
            "_",
            "1",
            "base_url",
            "token_ttl",
            "password_file",
            "keyboard",
            "monkey",
            "public_key",
            "publicKey",
            "idempotency-key",
            "partition_keys",
            "secretary",
            "compass",
            "author",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn passwords_and_tokens_are_not_shown() {
        for (text, shown) in [
            ("nats://ada:secret@h:1/x?a=b@c", "nats://ada:***@h:1/x?a=b@c"),
            ("nats://secret@h:1,i:2?mode=core", "nats://***@h:1,i:2?mode=core"),
            ("tls://secret@h", "tls://***@h"),
            ("https://secret@h/x", "https://***@h/x"),
            ("redis://ada@h", "redis://ada@h"),
            ("nats://h/a@b", "nats://h/a@b"),
            ("https://h:8080/@b", "https://h:8080/@b"),
            ("http://[::1]:80/@b", "http://[::1]:80/@b"),
            ("eu@west", "eu@west"),
            ("redis://u:se/cr?et@h/1", "redis://u:***@h/1"),
            ("nats://u:a@h,nats://v:b@i", "nats://u:***@h,nats://v:***@i"),
            ("redis://h?token=a%20b&db=1", "redis://h?token=***&db=1"),
            ("host=h password='a b' user=u", "host=h password=*** user=u"),
            ("--settings.api-key=a", "--settings.api-key=***"),
            ("Authorization: Bearer a b", "Authorization: ***"),
            ("token://h", "token://h"),
            ("info,links=debug", "info,links=debug"),
            ("password=", "password="),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_is_inside() {
        let text = "{ url = 'redis://u:p@h', headers = { Authorization = 'Bearer a', accept = 'x' }, tokens = ['a', 'b'], \
                    n = [1, 2], auth = { user = 'a' } }";
        let file = config::File::from_str(&format!("store = {text}"), config::FileFormat::Toml);
        let read = config::Config::builder().add_source(file).build().unwrap();
        let value = read.cache.into_table().unwrap().remove("store").unwrap();
        assert_eq!(
            shown_value("store", &value),
            "{ auth = ***, headers = { Authorization = ***, accept = \"x\" }, n = [1, 2], tokens = ***, \
             url = \"redis://u:***@h\" }"
        );
        assert_eq!(shown_value("secret", &value), "***");
        assert_eq!(shown_value("pin", &Value::new(None, 7_i64)), "7");
        assert_eq!(shown_value("token", &Value::new(None, 7_i64)), "***");
        assert_eq!(shown("token", ""), "");
    }

    #[test]
    fn a_mistake_says_what_was_expected_and_not_the_secret() {
        let message = "invalid type: string \"a, expected b\", expected u32 for key `token`";
        assert_eq!(shown_mistake("token", message), "invalid type: string ***, expected u32 for key `token`");
        let message = "invalid type: integer `7`, expected a string";
        assert_eq!(shown_mistake("settings.pages", message), message);
        assert_eq!(shown_mistake("password", "missing field `password`"), "missing field `password`");
        let whole = "invalid type: string \"TOKEN=a\", expected a map";
        assert_eq!(shown_mistake("env", whole), "invalid type: string \"TOKEN=***\", expected a map");
    }
}
