//! Where the new project gets skyloom from: `version=0.1`, `git=URL` or `path=../skyloom`.

use std::{path::Path, str::FromStr};

use super::value::Values;
use crate::text::did_you_mean;

/// How it can be named.
const WAYS: [&str; 3] = ["version", "git", "path"];

/// How a repository's address begins, as Cargo takes it.
const SCHEMES: [&str; 5] = ["https://", "http://", "ssh://", "git://", "file://"];

/// Where the new project gets skyloom from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    way: String,
    place: String,
    /// The tag of a repository; none for the newest there is.
    tag: String,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = "write version=0.1, git=https://github.com/skyloom/skyloom#v0.1.0 or path=../skyloom";
        let Some((way, place)) = text.split_once('=') else {
            return Err(format!("{text:?} does not say where skyloom comes from: {advice}"));
        };
        if !WAYS.contains(&way) {
            let hint = did_you_mean(way, WAYS);
            return Err(format!("{way:?} is none of {}{hint}", WAYS.join(", ")));
        }
        let (place, tag) = if way == "git" { place.rsplit_once('#').unwrap_or((place, "")) } else { (place, "") };
        Self::new(way, place, tag).map_err(|why| format!("{text:?} {why}: {advice}"))
    }
}

impl Origin {
    /// One of the three ways, the place, and a repository's tag.
    ///
    /// # Errors
    /// If the place cannot be one.
    pub(super) fn new(way: &str, place: &str, tag: &str) -> Result<Self, String> {
        // It becomes a text of Cargo.toml.
        let is_text = |text: &str| !text.contains(['"', '\\']) && !text.chars().any(char::is_control);
        if place.is_empty() || !is_text(place) {
            return Err(format!("names no {way}"));
        }
        if way == "version" && !is_version(place) {
            return Err("names no version, which is numbers and dots".to_owned());
        }
        if way == "git" && !is_address(place) {
            return Err(format!("names no repository, whose address begins with one of {}", SCHEMES.join(" ")));
        }
        if !tag.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c)) {
            return Err("names no tag".to_owned());
        }
        Ok(Self { way: way.to_owned(), place: place.to_owned(), tag: tag.to_owned() })
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
        if self.way == "git" {
            values.insert("skyloom_tag".to_owned(), self.tag.as_str().into());
        }
        Ok(())
    }
}

/// Whether Cargo takes this as one version and those that go with it.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix(['^', '~', '=']).unwrap_or(text);
    let (numbers, before) = text.split_once('-').map_or((text, None), |(numbers, before)| (numbers, Some(before)));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    numbers.split('.').all(is_number)
        && numbers.split('.').count() <= 3
        && before.is_none_or(|before| !before.is_empty() && before.chars().all(is_plain))
}

/// Whether this is the address of a repository.
fn is_address(text: &str) -> bool {
    let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
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
        assert_eq!(values["skyloom_tag"], "".into());
        "git=file:///srv/sky#v0.1.0".parse::<Origin>().unwrap().add_to(&mut values, Path::new("/")).unwrap();
        assert_eq!((&values["skyloom_git"], &values["skyloom_tag"]), (&"file:///srv/sky".into(), &"v0.1.0".into()));
        for version in ["0.1", "1", "=0.1.2", "^1.2", "0.2.0-rc.1"] {
            format!("version={version}").parse::<Origin>().unwrap();
        }
        let wrong = |text: &str| text.parse::<Origin>().unwrap_err();
        assert!(wrong("../skyloom").contains("write version=0.1"));
        assert_eq!(wrong("pth=x"), "\"pth\" is none of version, git, path; did you mean path?");
        assert!(wrong("git=").contains("names no git"));
        for version in ["1\"", "abc", "1.", "1.2.3.4", "0.1-", "*", "^"] {
            assert!(wrong(&format!("version={version}")).contains("names no version"), "{version}");
        }
        for address in ["not a url", "github.com/skyloom/skyloom", "https://", "https://a b"] {
            assert!(wrong(&format!("git={address}")).contains("names no repository"), "{address}");
        }
        assert!(wrong("git=https://a#b c").contains("names no tag"));
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
