//! What the values of a cluster file's keys look like.

use skyloom::config::without_password;
use toml::de::{DeInteger, DeValue};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A text.
    Text,
    /// Several texts.
    Texts,
    /// A number of things.
    Count,
    /// The number of a port.
    Port,
    /// Yes or no.
    Truth,
    /// Texts by their names.
    Table,
}

impl Form {
    /// Checks a key's value. What is said does not show it, since it may be a secret.
    ///
    /// # Errors
    /// What belongs there instead.
    pub(super) fn check(self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        let is_text = |value: &DeValue<'_>| matches!(value, DeValue::String(_));
        let fits = match (self, value) {
            (Self::Text, value) => is_text(value),
            (Self::Texts, DeValue::Array(list)) => list.iter().all(|one| is_text(one.get_ref())),
            (Self::Count, DeValue::Integer(number)) => whole(number).is_some(),
            (Self::Port, DeValue::Integer(number)) => whole(number).is_some_and(|port| port <= u32::from(u16::MAX)),
            (Self::Truth, DeValue::Boolean(_)) => true,
            (Self::Table, DeValue::Table(table)) => {
                let wrong = table.iter().find(|(_, value)| !is_text(value.get_ref()));
                return wrong.map_or(Ok(()), |(name, value)| {
                    let name = without_password(name.get_ref());
                    Self::Text.check(&name, value.get_ref()).map_err(|sentence| format!("{key}: {sentence}"))
                });
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let (what, example) = match self {
            Self::Text => ("a text in quotes belongs here", "\"...\""),
            Self::Texts => ("a list of texts belongs here", "[\"...\", \"...\"]"),
            Self::Count => ("a whole number belongs here", "2"),
            Self::Port => ("a number from 1 to 65535 belongs here", "8080"),
            Self::Truth => ("true or false belongs here", "true"),
            Self::Table => ("texts by their names belong here", "{ NAME = \"...\" }"),
        };
        Err(format!("{key}: {what}, as in {key} = {example}"))
    }
}

fn whole(number: &DeInteger<'_>) -> Option<u32> {
    u32::from_str_radix(number.as_str(), number.radix()).ok()
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn a_value_is_what_its_key_wants() {
        let good = "a = 'x'\nb = ['x', 'y']\nc = 0x10\nd = 80\ne = false\nf = { X = '1' }\ng = []\n";
        let bad = "a = 1\nb = 'sh -c x'\nc = -1\nd = 70000\ne = 'yes'\nf = { X = '1', API_TOKEN = 12345 }\ng = [1]\n";
        let forms = [Form::Text, Form::Texts, Form::Count, Form::Port, Form::Truth, Form::Table, Form::Texts];
        let said = |text: &str| {
            let table = DeTable::parse(text).unwrap();
            let keys = ["a", "b", "c", "d", "e", "f", "g"].into_iter().zip(forms);
            keys.map(|(key, form)| form.check(key, table.get_ref()[key].get_ref())).collect::<Vec<_>>()
        };
        assert_eq!(said(good), [const { Ok(()) }; 7]);
        let expected = [
            "a: a text in quotes belongs here, as in a = \"...\"",
            "b: a list of texts belongs here, as in b = [\"...\", \"...\"]",
            "c: a whole number belongs here, as in c = 2",
            "d: a number from 1 to 65535 belongs here, as in d = 8080",
            "e: true or false belongs here, as in e = true",
            "f: API_TOKEN: a text in quotes belongs here, as in API_TOKEN = \"...\"",
            "g: a list of texts belongs here, as in g = [\"...\", \"...\"]",
        ];
        assert_eq!(said(bad), expected.map(|sentence| Err(sentence.to_owned())));
    }
}
