//! `skyloom.toml`: its sections, and every mistake in it with its line.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::FileTypeExt as _,
    path::Path,
};

use config::{FileFormat, Map, Source as _, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    ConfigError,
    keys::{Form, KEYS, Key, check, find},
    nearest::nearest,
};

/// The largest file that is read, in bytes: what somebody writes by hand is far smaller, and `/dev/zero` never ends.
const LARGEST: u64 = 1 << 20;

/// The text of a configuration's file. A named pipe is refused, for whoever opens one waits until somebody writes to it.
/// What is handed over may be one: `/dev/stdin`, and what a shell makes of `<(...)`.
///
/// # Errors
/// If it is a named pipe, is larger than 1 MiB, or cannot be read.
pub fn read_file(path: &Path) -> io::Result<String> {
    let is_handed_over = path.starts_with("/dev") || path.starts_with("/proc");
    if !is_handed_over && fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::other("it is a named pipe; put a file there, or take it away"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} KiB; name a smaller file", LARGEST >> 10)));
    }
    String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::other(format!("it is not UTF-8: byte {at} begins no character"))
    })
}

/// The same, with the file in the mistake.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    read_file(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

fn not_toml(path: &Path, reason: String) -> ConfigError {
    ConfigError::NotToml { path: path.to_owned(), reason }
}

fn parse<'t>(path: &Path, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
    DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        not_toml(path, format!("line {line}: {}", error.message()))
    })
}

/// The sections of single services in a file, such as `links@1`, and where each is.
pub(super) fn named_sections(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let text = read(path)?;
    let table = parse(path, &text)?;
    let services = table.get_ref().get("service").and_then(|services| services.get_ref().as_table());
    let named = services
        .into_iter()
        .flat_map(|services| services.iter())
        .filter(|(name, section)| name.get_ref().contains('@') && section.get_ref().as_table().is_some());
    let place =
        |name: &Spanned<Cow<'_, str>>| format!("{}, line {}", path.display(), line_of(&text, name.span().start));
    Ok(named.map(|(name, _)| (name.get_ref().to_string(), place(name))).collect())
}

/// The sections of a file with this text that apply to one process, the weakest first. Each value knows its place.
pub(super) fn sections(path: &Path, text: &str, service: Option<&str>) -> Result<Vec<Map<String, Value>>, ConfigError> {
    let table = parse(path, text)?;
    Checker { path, text }.file(table.get_ref())?;
    let root = config::File::from_str(text, FileFormat::Toml).collect();
    let mut root = root.map_err(|error| not_toml(path, error.to_string()))?;
    let mut take = |name: &str| root.remove(name).and_then(|section| section.into_table().ok()).unwrap_or_default();
    let default = take("default");
    let mut services = take("service");
    let named = service.and_then(|name| services.get(name).cloned()).and_then(|section| section.into_table().ok());
    services.retain(|key, _| find(key).is_some());
    let line = |section: &[&str], key: &str| {
        let within = section.iter().try_fold(table.get_ref(), |table, name| table.get(*name)?.get_ref().as_table());
        within.and_then(|table| table.get_key_value(key)).map_or(1, |(key, _)| line_of(text, key.span().start))
    };
    let placed = |section: &[&str], values: Map<String, Value>| -> Map<String, Value> {
        let place = |key: &str| format!("{}, line {}", path.display(), line(section, key));
        values.into_iter().map(|(key, value)| (key.clone(), Value::new(Some(&place(&key)), value.kind))).collect()
    };
    let own = service.unwrap_or_default();
    let mut found = vec![placed(&["default"], default), placed(&["service"], services)];
    found.extend(named.map(|values| placed(&["service", own], values)));
    Ok(found)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

type Entry<'a, 'b> = (&'b Spanned<Cow<'a, str>>, &'b Spanned<DeValue<'a>>);

struct Checker<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Checker<'_> {
    fn file(&self, root: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, section) in root.iter() {
            let known = ["default", "service"];
            if !known.contains(&name.get_ref().as_ref()) {
                return Err(self.unknown(name, "sections", &known));
            }
            let Some(keys) = section.get_ref().as_table() else {
                return Err(self.wrong((name, section), "it is a section: write its keys below it"));
            };
            for entry in keys.iter() {
                let named = name.get_ref() == "service" && entry.0.get_ref().contains('@');
                match entry.1.get_ref().as_table() {
                    Some(_) if named && !is_section(entry.0.get_ref()) => {
                        let reason = "a section of one service has its name and its version, a number, as in links@1";
                        return Err(self.wrong(entry, reason));
                    }
                    Some(own) if named => own.iter().try_for_each(|entry| self.entry(entry))?,
                    _ => self.entry(entry)?,
                }
            }
        }
        Ok(())
    }

    fn entry(&self, entry: Entry<'_, '_>) -> Result<(), ConfigError> {
        let (name, value) = entry;
        let Some(key) = find(name.get_ref()) else {
            if matches!(value.get_ref(), DeValue::Table(_)) {
                let written = name.get_ref();
                let hint = format!("a section of one service has its version: [service.\"{written}@1\"]");
                return Err(ConfigError::UnknownKey { place: self.place(name), key: written.to_string(), hint });
            }
            let known = KEYS.map(|key| key.name);
            return Err(self.unknown(name, "keys", &known));
        };
        let checked = match (key.form, value.get_ref()) {
            (Form::Own, DeValue::Table(own)) => return self.numbers(key.name, own),
            (Form::Count, DeValue::Integer(number)) => check(key.form, number.as_str()),
            (form, DeValue::String(text)) if !matches!(form, Form::Count | Form::Own) => check(form, text),
            (_, other) => Err(misplaced(key, other.type_str())),
        };
        checked.map_err(|reason| self.wrong(entry, &reason))
    }

    /// Whether every number of a service's own keys is one that a configuration can hold.
    fn numbers(&self, path: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        table.iter().try_for_each(|(name, value)| {
            let path = format!("{path}.{}", name.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => self.numbers(&path, inner),
                value if is_held(value) => Ok(()),
                _ => {
                    let reason = format!("a whole number goes from {} to {}", i64::MIN, i64::MAX);
                    Err(ConfigError::Value { place: self.place(name), key: path, reason })
                }
            }
        })
    }

    fn place(&self, name: &Spanned<Cow<'_, str>>) -> String {
        format!("{}, line {}", self.path.display(), line_of(self.text, name.span().start))
    }

    fn unknown(&self, name: &Spanned<Cow<'_, str>>, what: &str, known: &[&str]) -> ConfigError {
        let key = name.get_ref().to_string();
        ConfigError::UnknownKey { place: self.place(name), hint: hint(&key, what, known), key }
    }

    fn wrong(&self, (name, _): Entry<'_, '_>, reason: &str) -> ConfigError {
        ConfigError::Value { place: self.place(name), key: name.get_ref().to_string(), reason: reason.to_owned() }
    }
}

/// Whether the whole numbers of a value are of 64 bits.
fn is_held(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).is_ok(),
        DeValue::Array(items) => items.iter().all(|item| is_held(item.get_ref())),
        DeValue::Table(table) => table.values().all(|value| is_held(value.get_ref())),
        _ => true,
    }
}

/// Whether a section can be one service's: its name and its version, as in `links@1`.
fn is_section(name: &str) -> bool {
    name.rsplit_once('@').is_some_and(|(service, version)| !service.is_empty() && version.parse::<u32>().is_ok())
}

/// What belongs to a key instead of a value of another type.
fn misplaced(key: &Key, written: &str) -> String {
    let (what, example) = match key.form {
        Form::Count => ("a whole number", "4"),
        Form::Own => ("a table", "{ key = \"value\" }"),
        Form::Time => ("a time in quotes", "\"10s\""),
        Form::Broker | Form::Registry => ("a URL in quotes", "\"local:\""),
        Form::Address => ("an address in quotes", "\"127.0.0.1:8080\""),
        Form::Filter => ("a level in quotes", "\"info\""),
        Form::Word(["on", "off"]) => ("a word in quotes", "\"off\""),
        Form::Word(_) => ("a word in quotes", "\"auto\""),
        Form::Text => ("a text in quotes", "\"eu\""),
    };
    let article = if written.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{what} belongs here, as in {} = {example}, and not {article} {written}", key.name)
}

/// What to write instead of a name that does not exist.
pub(super) fn hint(name: &str, what: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the {what} are {}", known.join(", ")),
    }
}
