//! The known word that a mistyped one was meant to be.

/// The nearest of the known words, if it is close: at most a third of the characters differ.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    near.filter(|(distance, candidate)| distance * 3 <= candidate.len()).min().map(|(_, candidate)| candidate)
}
