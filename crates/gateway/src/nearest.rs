//! Finds what a misspelt name was meant to be.

/// Names that are longer are not compared: nobody misspells them by hand.
const LONGEST: usize = 64;

/// The candidate that is closest to the name, if it is close enough to have been meant: at most a
/// third of the name's characters inserted, removed or replaced.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "..."?` or nothing.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

/// The Levenshtein distance, by Wagner and Fischer's algorithm with one row.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, a) in left.chars().enumerate() {
        let mut corner = line;
        let mut before = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&right) {
            let value = (*cell + 1).min(before + 1).min(corner + usize::from(a != *b));
            corner = *cell;
            *cell = value;
            before = value;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, hint, nearest};

    #[test]
    fn distances_are_levenshteins() {
        for (left, right, expected) in
            [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("name", "nmae", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn only_what_is_close_is_suggested() {
        assert_eq!(nearest("nam", ["age", "name"]), Some("name"));
        assert_eq!(nearest("Greter", ["Greeter", "Linker"]), Some("Greeter"));
        assert_eq!(nearest("colour", ["age", "name"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
        assert_eq!(hint("nam", ["name"]), "; did you mean \"name\"?");
        assert_eq!(hint("zzz", ["name"]), "");
    }
}
