//! Secrets among a program's arguments, which are in files that everybody may read.

use std::collections::BTreeSet;

use skyloom::config::{is_secret, without_password};

use super::{super::plan::Part, pieces::Pieces};

/// The sentences about the secrets that the arguments of a part hold. `places` says which file has the arguments, and
/// which is for secrets.
pub(super) fn warnings(pieces: &Pieces<'_>, places: impl Fn(&Part) -> [String; 2]) -> Vec<String> {
    let sentences = pieces.parts().flat_map(|(part, _, spec)| {
        let [open, private] = places(part);
        secrets(&spec.arguments).into_iter().map(move |(name, variable)| {
            let variable = variable.map_or_else(String::new, |variable| format!(" as {variable}"));
            format!(
                "{}: {name} is a secret among its arguments, and everybody may read {open}; give it in env{variable}: that \
                 is written to {private}, for its owner alone",
                part.name
            )
        })
    });
    sentences.collect()
}

/// The names of the secrets, and the variables of those that are ours.
fn secrets(arguments: &[String]) -> BTreeSet<(String, Option<String>)> {
    let mut secrets = BTreeSet::new();
    let mut earlier = "";
    for argument in arguments {
        let own = argument.split_once('=').map(|(name, _)| name).filter(|name| is_name(name));
        let name = own.unwrap_or(earlier);
        let is_value = !argument.starts_with('-') && earlier.starts_with('-') && is_secret(flag(earlier));
        if is_value || without_password(argument) != *argument {
            let name = if name.is_empty() { "a password" } else { name };
            secrets.insert((name.to_owned(), variable(name)));
        }
        earlier = if argument.starts_with('-') && !argument.contains('=') { argument } else { "" };
    }
    secrets
}

/// Whether this is the name of a flag or of a variable, and so no secret itself.
fn is_name(text: &str) -> bool {
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    is_plain && (text.starts_with('-') || is_secret(text))
}

fn flag(argument: &str) -> &str {
    argument.trim_start_matches('-')
}

/// The variable that a process of ours reads instead of a flag.
fn variable(argument: &str) -> Option<String> {
    let flag = flag(argument);
    let is_ours = flag.starts_with("settings.") || ["broker", "registry"].contains(&flag);
    is_ours.then(|| format!("SKYLOOM_{}", flag.replace(['.', '-'], "_").to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_the_name_before_it_or_by_its_own_form() {
        let named = |arguments: &[&str]| -> Vec<_> {
            let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            secrets(&arguments).into_iter().collect()
        };
        let ours = |name: &str, variable: &str| vec![(name.to_owned(), Some(variable.to_owned()))];
        let other = |name: &str| vec![(name.to_owned(), None)];
        assert_eq!(named(&["--settings.api-key=x"]), ours("--settings.api-key", "SKYLOOM_SETTINGS_API_KEY"));
        assert_eq!(named(&["--settings.api_key", "x"]), ours("--settings.api_key", "SKYLOOM_SETTINGS_API_KEY"));
        assert_eq!(named(&["--broker", "nats://a:x@h"]), ours("--broker", "SKYLOOM_BROKER"));
        assert_eq!(named(&["-v", "--store=redis://:x@h/1"]), other("--store"));
        assert_eq!(named(&["--password", "x"]), other("--password"));
        assert_eq!(named(&["TOKEN=x"]), other("TOKEN"));
        for alone in ["redis://:x@h/1", "redis://u:x@h?token=y", "host=h password=x"] {
            assert_eq!(named(&[alone]), other("a password"));
        }
        let plain = ["--log=debug", "--broker", "nats://h", "--token-ttl", "5s", "--token", "--verbose", "key"];
        assert_eq!(named(&plain), []);
    }
}
