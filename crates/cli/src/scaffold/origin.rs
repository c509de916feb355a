//! Where the new project gets skyloom from: `version=0.1`, `git=URL` or `path=../skyloom`.

use std::{path::Path, str::FromStr};

use super::value::Values;
use crate::text::did_you_mean;

/// How it can be named.
const WAYS: [&str; 3] = ["version", "git", "path"];

/// Where the new project gets skyloom from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    way: String,
    place: String,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = "write version=0.1, git=https://github.com/skyloom/skyloom or path=../skyloom";
        let Some((way, place)) = text.split_once('=') else {
            return Err(format!("{text:?} does not say where skyloom comes from: {advice}"));
        };
        if !WAYS.contains(&way) {
            let hint = did_you_mean(way, WAYS);
            return Err(format!("{way:?} is none of {}{hint}", WAYS.join(", ")));
        }
        Self::new(way, place).map_err(|why| format!("{text:?} {why}: {advice}"))
    }
}

impl Origin {
    /// One of the three ways, and the place.
    ///
    /// # Errors
    /// If the place cannot be one.
    pub(super) fn new(way: &str, place: &str) -> Result<Self, String> {
        // It becomes a text of Cargo.toml.
        if place.is_empty() || place.contains(['"', '\\']) || place.chars().any(char::is_control) {
            return Err(format!("names no {way}"));
        }
        Ok(Self { way: way.to_owned(), place: place.to_owned() })
    }

    /// Adds the template's variables that say so. A path is relative to `directory`, and absolute from then on.
    ///
    /// # Errors
    /// If there is no skyloom at the path.
    pub(super) fn add_to(&self, values: &mut Values, directory: &Path) -> Result<(), String> {
        let mut place = self.place.clone();
        if self.way == "path" {
            let wrong = |what: &str| format!("--skyloom path={place}: {what}; name the folder of skyloom's checkout");
            let found = directory.join(&place).canonicalize().map_err(|_| wrong("there is no such folder"))?;
            if !found.join("crates/skyloom/Cargo.toml").is_file() {
                return Err(wrong("it has no crates/skyloom"));
            }
            let found = found.to_str().filter(|path| !path.contains(['"', '\\']));
            place = found.ok_or_else(|| wrong("Cargo.toml cannot have such a path"))?.to_owned();
        }
        values.insert("skyloom".to_owned(), self.way.as_str().into());
        values.insert(format!("skyloom_{}", self.way), place.as_str().into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_or_refused() {
        let mut values = Values::new();
        "git=https://example.org/x?a=b".parse::<Origin>().unwrap().add_to(&mut values, Path::new("/")).unwrap();
        assert_eq!(values["skyloom"], "git".into());
        assert_eq!(values["skyloom_git"], "https://example.org/x?a=b".into());
        let wrong = |text: &str| text.parse::<Origin>().unwrap_err();
        assert!(wrong("../skyloom").contains("write version=0.1"));
        assert_eq!(wrong("pth=x"), "\"pth\" is none of version, git, path; did you mean path?");
        assert!(wrong("git=").contains("names no git"));
        assert!(wrong("version=1\"").contains("names no version"));
    }

    #[test]
    fn a_path_must_lead_to_skyloom() {
        let directory = tempfile::tempdir().unwrap();
        let origin: Origin = "path=there".parse().unwrap();
        let mut values = Values::new();
        assert!(origin.add_to(&mut values, directory.path()).unwrap_err().contains("there is no such folder"));
        std::fs::create_dir_all(directory.path().join("there/crates/skyloom")).unwrap();
        assert!(origin.add_to(&mut values, directory.path()).unwrap_err().contains("it has no crates/skyloom"));
        std::fs::write(directory.path().join("there/crates/skyloom/Cargo.toml"), "").unwrap();
        origin.add_to(&mut values, directory.path()).unwrap();
        assert!(values["skyloom_path"].to_string().starts_with('/'));
    }
}
