//! What is said at the prompt of `sky shell`, where commands are written without `sky`.

use std::{borrow::Cow, sync::OnceLock};

/// How a sentence names a command that somebody may want next.
const NAMED: &str = "`sky ";

/// The commands of the prompt, once there is one.
static COMMANDS: OnceLock<Vec<String>> = OnceLock::new();

/// From now on what is said is said at a prompt that has these commands.
pub(crate) fn at_prompt(commands: impl IntoIterator<Item = String>) {
    COMMANDS.get_or_init(|| commands.into_iter().collect());
}

/// A sentence as it is said where the process is: at a prompt, or not.
pub(super) fn adapted(sentence: &str) -> Cow<'_, str> {
    COMMANDS.get().map_or(Cow::Borrowed(sentence), |commands| without_sky(sentence, commands))
}

/// The sentence with these commands named as they are written at the prompt; others are not to be had there.
fn without_sky<'a>(sentence: &'a str, commands: &[String]) -> Cow<'a, str> {
    let mut parts = sentence.split(NAMED);
    let Some(first) = parts.next().filter(|first| first.len() < sentence.len()) else { return sentence.into() };
    let mut text = first.to_owned();
    for part in parts {
        let name = part.split([' ', '`']).next().unwrap_or_default();
        text.push_str(if commands.iter().any(|command| command == name) { "`" } else { NAMED });
        text.push_str(part);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_prompt_are_named_without_sky() {
        let commands = ["instances", "dead"].map(str::to_owned);
        for (sentence, expected) in [
            ("no instance; see `sky instances`", "no instance; see `instances`"),
            ("`sky dead list a.v1` says why, `sky instances` who", "`dead list a.v1` says why, `instances` who"),
            ("start one with `sky broker` or see `sky instances`", "start one with `sky broker` or see `instances`"),
            ("see `sky instance`, or the sky", "see `sky instance`, or the sky"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_sky(sentence, &commands), expected);
        }
    }
}
