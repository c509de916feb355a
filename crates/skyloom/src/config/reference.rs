//! The page about every key, from the keys themselves.

use std::fmt::Write as _;

use super::{
    FILE_VARIABLE, Settings,
    keys::{Form, KEYS, Key, OWN},
    secrets::{OPEN_KEYS, WORDS},
};

/// What the page begins with.
const HEAD: &str = include_str!("reference.txt");

/// What it ends with.
const TAIL: &str = "\nNext: [brokers](brokers.md).\n";

/// The page about every key of the configuration, in Markdown.
#[must_use]
pub fn reference() -> String {
    let listed = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let page = HEAD.replace("{FILE_VARIABLE}", FILE_VARIABLE);
    let mut page = page.replace("{WORDS}", &listed(&WORDS)).replace("{OPEN_KEYS}", &listed(&OPEN_KEYS));
    page.push_str("\n| key | default | variable and flag | on SIGHUP | what it is |\n|---|---|---|---|---|\n");
    let usual = Settings::default();
    for key in &KEYS {
        // Writing to a string does not fail.
        let _ = writeln!(page, "{}", row(key, &usual));
    }
    page.push_str(TAIL);
    page
}

fn row(key: &Key, usual: &Settings) -> String {
    let name = key.name;
    let default = match usual.text(name) {
        _ if key.form == Form::Own => String::new(),
        text if text.is_empty() => String::new(),
        text => format!("`{text}`"),
    };
    let (variable, flag) = match key.form {
        Form::Own => ("SKYLOOM_SETTINGS_KEY".to_owned(), format!("--{OWN}.KEY")),
        _ => (format!("SKYLOOM_{}", name.to_ascii_uppercase()), format!("--{}", name.replace('_', "-"))),
    };
    let taken = match (key.form, key.live) {
        (Form::Own, _) => "if the service does",
        (_, true) => "taken over",
        _ => "takes a restart",
    };
    let what = match form(key.form) {
        "" => key.help.to_owned(),
        form => format!("{}; {form}", key.help),
    };
    format!("| `{name}` | {default} | `{variable}`, `{flag}` | {taken} | {what} |")
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Count => "a whole number of at least 1",
        Form::Time => "a number and ms, s, m or h, at most 24h",
        Form::Text | Form::Broker | Form::Registry | Form::Address | Form::Filter | Form::Word(_) | Form::Own => "",
    }
}
