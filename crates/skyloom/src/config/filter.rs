//! What to log, by level and module.

use tracing_subscriber::filter::Targets;

use super::nearest::nearest;

/// The levels, the quietest first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads what to log: a level, or levels by module, such as `info,links=debug`.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_filter(text: &str) -> Result<Targets, String> {
    // Without the spaces, which would become a part of the modules' names.
    let mut parts = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (module, level) = part.split_once('=').map_or((None, part), |(module, level)| (Some(module.trim()), level));
        if module.is_some_and(str::is_empty) {
            return Err(format!("{part:?} names no module before its =; write it as links=debug"));
        }
        let level = level.trim().to_ascii_lowercase();
        if !LEVELS.contains(&level.as_str()) {
            let hint = match nearest(&level, LEVELS) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the levels are {}, alone or after a module, as in links=debug", LEVELS.join(", ")),
            };
            return Err(format!("{level:?} is no level to log; {hint}"));
        }
        parts.push(module.map_or_else(|| level.clone(), |module| format!("{module}={level}")));
    }
    parts.join(",").parse().map_err(|error| format!("{text:?} does not say what to log: {error}"))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_alone_and_by_module() {
        for text in ["info", "DEBUG", "info,links=debug", "warn, skyloom_core::worker=trace", "off"] {
            assert!(parse_filter(text).is_ok(), "{text}");
        }
        for text in ["links=debug,warn", " warn , links = DEBUG", "links =debug, warn"] {
            let filter = parse_filter(text).unwrap();
            let enabled = |target, level| filter.would_enable(target, &level);
            assert!(enabled("links::store", Level::DEBUG) && !enabled("links", Level::TRACE), "{text}");
            assert!(enabled("qr", Level::WARN) && !enabled("qr", Level::INFO), "{text}");
        }
        let said = |text: &str| parse_filter(text).unwrap_err();
        assert_eq!(said("debgu"), "\"debgu\" is no level to log; did you mean \"debug\"?");
        assert_eq!(said("info,links=inof"), "\"inof\" is no level to log; did you mean \"info\"?");
        assert!(said("links").starts_with("\"links\" is no level to log; the levels are off, error, "));
        assert!(said("").starts_with("\"\" is no level"));
        assert!(said("=info").starts_with("\"=info\" names no module"));
    }
}
