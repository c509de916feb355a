//! What another beanstalkd than 1.12 says in other words, as docs/beanstalkd.md has it.

/// How a server speaks.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// What is text in an answer to `stats` is in quotes, and a time below 0 is a mistake.
    is_strict: bool,
}

impl Dialect {
    /// Told by what a server answers to `stats`.
    pub(crate) fn of(stats: &str) -> Self {
        Self { is_strict: stats.contains("hostname: \\\"") }
    }

    /// A reply as 1.12 would write it.
    pub(crate) fn as_in_1_12(self, reply: String) -> String {
        if !(self.is_strict && reply.starts_with("OK ")) {
            return reply;
        }
        let unquoted = |line: &str| {
            let (key, value) = line.split_once(": ")?;
            let value = value.strip_prefix("\\\"")?.strip_suffix("\\\"")?;
            Some(format!("{key}: {value}"))
        };
        let lines = reply.split("\\n").map(|line| unquoted(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join("\\n")
    }

    /// A command that waits for ever, as both understand it.
    pub(crate) fn waiting(self, line: &str) -> &str {
        if self.is_strict && line.ends_with(" -1") { "reserve" } else { line }
    }
}
