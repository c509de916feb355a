//! What a misspelt name may have been meant to be, as the end of a sentence.

use crate::config::nearest;

/// `; did you mean "..."?` or nothing.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn only_what_is_close_is_suggested() {
        assert_eq!(hint("nmae", ["age", "name"]), "; did you mean \"name\"?");
        assert_eq!(hint("zzz", ["name"]), "");
    }
}
