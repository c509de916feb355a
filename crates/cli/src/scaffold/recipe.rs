//! `cargo-generate.toml`: what a template asks for, and which of its files are left out when.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    expression::holds,
    value::{Value, Values},
};
use crate::text::did_you_mean;

/// The file's name; it is no part of what comes out.
pub(super) const FILE: &str = "cargo-generate.toml";

/// What the file says. What only `cargo generate` needs, such as the questions' words, is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Recipe {
    template: Always,
    placeholders: BTreeMap<String, Placeholder>,
    conditional: BTreeMap<String, Conditional>,
}

/// What holds for every project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Always {
    ignore: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Placeholder {
    #[serde(default)]
    choices: Vec<String>,
    default: Preset,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Preset {
    Flag(bool),
    Text(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conditional {
    ignore: Vec<String>,
    placeholders: BTreeMap<String, Placeholder>,
}

impl Recipe {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Adds the defaults of what was not given; tells which files are left out.
    ///
    /// # Errors
    /// A value that is none of the choices, with the nearest that is.
    pub(super) fn settle(&self, values: &mut Values) -> Result<Vec<String>, String> {
        settle_placeholders(&self.placeholders, values)?;
        let mut ignored = self.template.ignore.clone();
        for (condition, conditional) in &self.conditional {
            if holds(condition, values)? {
                settle_placeholders(&conditional.placeholders, values)?;
                ignored.extend(conditional.ignore.iter().cloned());
            }
        }
        Ok(ignored)
    }
}

fn settle_placeholders(placeholders: &BTreeMap<String, Placeholder>, values: &mut Values) -> Result<(), String> {
    for (name, placeholder) in placeholders {
        let value = values.entry(name.clone()).or_insert_with(|| match &placeholder.default {
            Preset::Flag(flag) => Value::Flag(*flag),
            Preset::Text(text) => Value::Text(text.clone()),
        });
        if let (Value::Text(text), false) = (&*value, placeholder.choices.is_empty())
            && !placeholder.choices.contains(text)
        {
            let hint = did_you_mean(text, placeholder.choices.iter().map(String::as_str));
            return Err(format!("--{name} {text:?} is none of {}{hint}", placeholder.choices.join(", ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[template]
cargo_generate_version = ">=0.23.0"
ignore = ["hook.rhai"]
[placeholders.broker]
type = "string"
prompt = "Which?"
choices = ["local", "nats"]
default = "local"
[placeholders.event]
type = "bool"
prompt = "An event?"
default = false
[conditional.'!event']
ignore = ["src/events.rs"]
[conditional.'broker == "nats"'.placeholders.url]
type = "string"
prompt = "Where?"
default = "nats://127.0.0.1"
"#;

    #[test]
    fn what_is_not_given_has_its_default() {
        let recipe = Recipe::parse(TEXT).unwrap();
        let mut values = Values::new();
        assert_eq!(recipe.settle(&mut values).unwrap(), ["hook.rhai", "src/events.rs"]);
        assert_eq!(values.get("broker"), Some(&Value::from("local")));
        assert_eq!(values.get("url"), None);
        let mut values = Values::from([("broker".to_owned(), "nats".into()), ("event".to_owned(), true.into())]);
        assert_eq!(recipe.settle(&mut values).unwrap(), ["hook.rhai"]);
        assert_eq!(values.get("url"), Some(&Value::from("nats://127.0.0.1")));
    }

    #[test]
    fn a_value_that_is_no_choice_is_refused_with_the_nearest() {
        let recipe = Recipe::parse(TEXT).unwrap();
        let mut values = Values::from([("broker".to_owned(), "nat".into())]);
        let sentence = recipe.settle(&mut values).unwrap_err();
        assert_eq!(sentence, "--broker \"nat\" is none of local, nats; did you mean nats?");
    }
}
