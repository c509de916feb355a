//! What a mistyped name was meant to be.

/// Names that are longer are not compared: nobody mistypes them by hand.
const LONGEST: usize = 64;

/// The known name that a mistyped one was meant to be, if one is close enough: at most a third of
/// its characters inserted, removed, replaced or swapped (Damerau and Levenshtein's distance).
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        assert_eq!(nearest("brokr", ["broker", "lease"]), Some("broker"));
        assert_eq!(nearest("xyz", ["broker", "lease"]), None);
        assert_eq!(nearest("Greter", ["Greeter", "Linker"]), Some("Greeter"));
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }
}
