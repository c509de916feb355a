//! Whether and how to colour.

use std::io::IsTerminal as _;

/// When to colour what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

/// The colours that can be told apart on light and on dark ground, in the order they are given out.
const COLORS: [u8; 6] = [36, 33, 32, 35, 34, 31];

impl Paint {
    /// For standard error.
    pub(crate) fn stderr(choice: ColorChoice) -> Self {
        Self(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: set and not empty means no colour.
            ColorChoice::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()) && std::io::stderr().is_terminal()
            }
        })
    }

    /// Whether it colours.
    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    /// The text in the colour of this number; numbers beyond the colours start anew.
    pub(crate) fn numbered(self, number: usize, text: &str) -> String {
        match COLORS.get(number % COLORS.len()) {
            Some(color) if self.0 => format!("\x1b[{color}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    /// The text in bold.
    pub(crate) fn bold(self, text: &str) -> String {
        if self.0 { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_only_when_asked_for() {
        assert_eq!(Paint::stderr(ColorChoice::Always).numbered(7, "qr"), "\x1b[33mqr\x1b[0m");
        assert_eq!(Paint::stderr(ColorChoice::Always).bold("sky"), "\x1b[1msky\x1b[0m");
        assert_eq!(Paint::stderr(ColorChoice::Never).numbered(7, "qr"), "qr");
        assert_eq!(Paint::stderr(ColorChoice::Never).bold("sky"), "sky");
    }
}
