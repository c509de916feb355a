//! Finds what a misspelt name was meant to be.

/// Names that are longer are not compared: nobody misspells them by hand.
const LONGEST: usize = 64;

/// The candidate that is closest to the name, if it is close enough to have been meant: at most a
/// third of the name's characters inserted, removed, replaced or swapped.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "..."?` or nothing.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    #[test]
    fn only_what_is_close_is_suggested() {
        assert_eq!(nearest("nam", ["age", "name"]), Some("name"));
        assert_eq!(nearest("nmae", ["age", "name"]), Some("name"));
        assert_eq!(nearest("Greter", ["Greeter", "Linker"]), Some("Greeter"));
        assert_eq!(nearest("colour", ["age", "name"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
        assert_eq!(hint("nam", ["name"]), "; did you mean \"name\"?");
        assert_eq!(hint("zzz", ["name"]), "");
    }
}
