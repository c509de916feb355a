//! The sections of `skyloom.toml` that belong to one service.

use skyloom_core::contract::Contract;

use super::{ConfigError, Sources, file::named_sections};

/// A section of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Whose it is, such as `links@1`.
    pub name: String,
    /// The file with its line.
    pub place: String,
}

/// The sections of single services in a configuration's file. Several processes may share it, so that none knows
/// whether each of them belongs to somebody.
///
/// # Errors
/// If the file cannot be read, or is not TOML.
pub fn service_sections(sources: &Sources) -> Result<Vec<Section>, ConfigError> {
    let Some(file) = &sources.file else { return Ok(Vec::new()) };
    Ok(named_sections(file)?.into_iter().map(|(name, place)| Section { name, place }).collect())
}

/// The name of a service's section, such as `links@1`.
#[must_use]
pub fn section_of(contract: &Contract) -> String {
    let queue = contract.queue.as_str();
    let base = queue.rsplit_once(".v").map_or(queue, |(base, _)| base);
    format!("{base}@{}", contract.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_of_services_are_told_with_their_places() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skyloom.toml");
        let text = "[service]\nlease = '1s'\nsettings = { a = 1 }\n[service.\"links@1\"]\n\n[service.\"qr@2\"]\n";
        std::fs::write(&file, text).unwrap();
        let place = |line: u32| format!("{}, line {line}", file.display());
        let sources = Sources { file: Some(file.clone()), ..Sources::default() };
        let expected =
            [("links@1", 4), ("qr@2", 6)].map(|(name, line)| Section { name: name.to_owned(), place: place(line) });
        assert_eq!(service_sections(&sources).unwrap(), expected);
        assert_eq!(service_sections(&Sources::default()).unwrap(), []);
    }
}
