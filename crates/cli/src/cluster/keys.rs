//! Which keys a cluster file may have, and where in it one was mistyped.

use std::{borrow::Cow, collections::BTreeMap};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::form::Form;
use crate::text::did_you_mean;

/// A key and what its value is.
type Key = (&'static str, Form);

const TOP: [&str; 3] = ["broker", "gateway", "services"];
const BROKER: [Key; 2] = [("listen", Form::Text), ("snapshot", Form::Text)];
const GATEWAY: [Key; 8] = [
    ("port", Form::Port),
    ("command", Form::Texts),
    ("package", Form::Text),
    ("source", Form::Text),
    ("bin", Form::Text),
    ("args", Form::Texts),
    ("env", Form::Table),
    ("hold", Form::Truth),
];
const SERVICE: [Key; 8] = [
    ("package", Form::Text),
    ("source", Form::Text),
    ("bin", Form::Text),
    ("args", Form::Texts),
    ("command", Form::Texts),
    ("instances", Form::Count),
    ("env", Form::Table),
    ("after", Form::Texts),
];

/// Checks every key of the file, and what its value is.
///
/// # Errors
/// A sentence with the line of the first mistake in a section: an unknown key with the nearest known one, or what belongs
/// where something else is.
pub(super) fn check(text: &str) -> Result<(), String> {
    // What is no TOML at all is reported, with its line, when the values are read.
    let Ok(top) = DeTable::parse(text) else { return Ok(()) };
    let top = top.get_ref();
    names(text, top, "", &TOP)?;
    for (name, part) in top.iter() {
        match (name.get_ref().as_ref(), part.get_ref()) {
            ("broker", part) => section(text, (name, part), "broker", &BROKER)?,
            ("gateway", part) => section(text, (name, part), "gateway", &GATEWAY)?,
            (_, DeValue::Table(services)) => {
                for (name, service) in services.iter() {
                    section(text, (name, service.get_ref()), &format!("services.{}", name.get_ref()), &SERVICE)?;
                }
            }
            _ => return Err(no_section(text, name, "services.NAME")),
        }
    }
    Ok(())
}

fn table<'a, 'i>(parent: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    match parent.get(name)?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

type Name<'i> = Spanned<Cow<'i, str>>;

fn section(text: &str, (place, part): (&Name<'_>, &DeValue<'_>), name: &str, known: &[Key]) -> Result<(), String> {
    let DeValue::Table(table) = part else { return Err(no_section(text, place, name)) };
    names(text, table, name, &known.iter().map(|(key, _)| *key).collect::<Vec<_>>())?;
    for (key, value) in table.iter() {
        if let Some((_, form)) = known.iter().find(|(known, _)| known == key.get_ref()) {
            let line = line_of(text, key.span().start);
            form.check(key.get_ref(), value.get_ref())
                .map_err(|sentence| format!("line {line}: {name}: {sentence}"))?;
        }
    }
    Ok(())
}

fn no_section(text: &str, place: &Name<'_>, name: &str) -> String {
    let line = line_of(text, place.span().start);
    format!("line {line}: {} is a section; write its keys below a line [{name}]", place.get_ref())
}

fn names(text: &str, table: &DeTable<'_>, name: &str, known: &[&str]) -> Result<(), String> {
    let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
    let (line, key) = (line_of(text, key.span().start), key.get_ref());
    let place = if name.is_empty() { String::new() } else { format!(" in [{name}]") };
    let hint = did_you_mean(key, known.iter().copied());
    let hint = if hint.is_empty() { format!("; there are {}", known.join(", ")) } else { hint };
    Err(format!("line {line}: there is no key {key:?}{place}{hint}"))
}

/// The line in which each part begins: `broker`, `gateway`, and the services by their names.
pub(super) fn lines(text: &str) -> BTreeMap<String, usize> {
    let Ok(top) = DeTable::parse(text) else { return BTreeMap::new() };
    let top = top.get_ref();
    let others = ["broker", "gateway"].into_iter().filter_map(|name| top.get_key_value(name));
    let parts = table(top, "services").into_iter().flat_map(|services| services.iter()).chain(others);
    parts.map(|(name, _)| (name.get_ref().to_string(), line_of(text, name.span().start))).collect()
}

/// The line, from 1, of a byte of the text.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The key whose value begins at this byte of the text.
pub(super) fn key_before(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default().trim_end().trim_end_matches('=').trim_end();
    let key = before.trim_end_matches(['"', '\'']);
    key.rsplit(|c: char| c.is_whitespace() || "{,.\"'".contains(c)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_value_is_found() {
        for text in ["env = { A = 1, KEY = 12 }", "env.KEY=12", "[env]\n\"KEY\" = 12", "env={KEY=12}"] {
            assert_eq!(key_before(text, text.find("12").unwrap()), "KEY", "{text}");
        }
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_line_and_the_nearest() {
        let cases = [
            ("[brokr]\n", "line 1: there is no key \"brokr\"; did you mean broker?"),
            ("[gateway]\nprot = 1\n", "line 2: there is no key \"prot\" in [gateway]; did you mean port?"),
            (
                "[broker]\n\n[services.qr]\ncommand = []\ninstnces = 2\n",
                "line 5: there is no key \"instnces\" in [services.qr]; did you mean instances?",
            ),
            (
                "[gateway]\nxyz = 1",
                "line 2: there is no key \"xyz\" in [gateway]; there are port, command, package, source, bin, args, env, \
                 hold",
            ),
            ("services.qr.comand = []", "line 1: there is no key \"comand\" in [services.qr]; did you mean command?"),
        ];
        for (text, sentence) in cases {
            assert_eq!(check(text).unwrap_err(), sentence);
        }
        let whole = "[broker]\nlisten = 'local:'\n[gateway]\nport = 1\n[services.a]\nenv = { ANY = '1' }\nafter = []\n";
        assert_eq!(check(whole), Ok(()));
    }

    #[test]
    fn what_a_value_is_not_is_said_with_its_line() {
        let cases = [
            ("[services.qr]\ncommand = 'sh -c x'", "line 2: services.qr: command: a list of texts belongs here"),
            ("[gateway]\n\nport = '80'", "line 3: gateway: port: a number from 1 to 65535 belongs here"),
            ("broker = true", "line 1: broker is a section; write its keys below a line [broker]"),
            ("\nservices = ['qr']", "line 2: services is a section; write its keys below a line [services.NAME]"),
            ("[services]\nqr = 'qr'", "line 2: qr is a section; write its keys below a line [services.qr]"),
        ];
        for (text, sentence) in cases {
            let said = check(text).unwrap_err();
            assert!(said.starts_with(sentence), "{said}");
        }
    }

    #[test]
    fn each_part_is_found_by_its_line() {
        let text = "[broker]\n[services.qr]\ncommand = ['x']\n\n[gateway]\nport = 1\n[services.a]\n";
        let expected = [("a", 7), ("broker", 1), ("gateway", 5), ("qr", 2)].map(|(name, line)| (name.to_owned(), line));
        assert_eq!(lines(text), BTreeMap::from(expected));
        assert_eq!(lines("services.qr.command = []")["qr"], 1);
    }
}
