//! Which keys a cluster file may have, and where in it one was mistyped.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::text::did_you_mean;

const TOP: [&str; 3] = ["broker", "gateway", "services"];
const BROKER: [&str; 2] = ["listen", "snapshot"];
const GATEWAY: [&str; 7] = ["port", "command", "package", "source", "bin", "args", "hold"];
const SERVICE: [&str; 8] = ["package", "source", "bin", "args", "command", "instances", "env", "after"];

/// Checks every key of the file.
///
/// # Errors
/// A sentence with the line of the first unknown key, and the nearest known one.
pub(super) fn check(text: &str) -> Result<(), String> {
    // What is no TOML at all is reported, with its line, when the values are read.
    let Ok(top) = DeTable::parse(text) else { return Ok(()) };
    let top = top.get_ref();
    section(text, top, "", &TOP)?;
    for (name, known) in [("broker", BROKER.as_slice()), ("gateway", &GATEWAY)] {
        if let Some(part) = table(top, name) {
            section(text, part, name, known)?;
        }
    }
    for (name, service) in table(top, "services").into_iter().flatten() {
        if let DeValue::Table(part) = service.get_ref() {
            section(text, part, &format!("services.{}", name.get_ref()), &SERVICE)?;
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

fn section(text: &str, table: &DeTable<'_>, name: &str, known: &[&str]) -> Result<(), String> {
    let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
    let (line, key) = (line_of(text, key.span().start), key.get_ref());
    let place = if name.is_empty() { String::new() } else { format!(" in [{name}]") };
    let hint = did_you_mean(key, known.iter().copied());
    let hint = if hint.is_empty() { format!("; there are {}", known.join(", ")) } else { hint };
    Err(format!("line {line}: there is no key {key:?}{place}{hint}"))
}

/// The line in which each part begins: `gateway`, and the services by their names.
pub(super) fn lines(text: &str) -> BTreeMap<String, usize> {
    let Ok(top) = DeTable::parse(text) else { return BTreeMap::new() };
    let top = top.get_ref();
    let gateway = top.get_key_value("gateway");
    let parts = table(top, "services").into_iter().flat_map(|services| services.iter()).chain(gateway);
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
                "line 2: there is no key \"xyz\" in [gateway]; there are port, command, package, source, bin, args, hold",
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
    fn each_part_is_found_by_its_line() {
        let text = "[broker]\n[services.qr]\ncommand = ['x']\n\n[gateway]\nport = 1\n[services.a]\n";
        let expected = [("a", 7), ("gateway", 5), ("qr", 2)].map(|(name, line)| (name.to_owned(), line));
        assert_eq!(lines(text), BTreeMap::from(expected));
        assert_eq!(lines("services.qr.command = []")["qr"], 1);
    }
}
