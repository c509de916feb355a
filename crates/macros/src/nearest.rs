//! The nearest known name to a mistyped one.

/// The known name that is at most a third of its letters away from this one.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_has_a_neighbour_and_another_word_has_none() {
        let known = ["name", "timeout", "once"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("onec", known), Some("once"));
        assert_eq!(nearest("gte", ["get", "put"]), Some("get"));
        assert_eq!(nearest("nme", known), Some("name"));
        assert_eq!(nearest("retries", known), None);
    }
}
