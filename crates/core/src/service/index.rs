//! Things by their names.

/// Which of a service's methods, or listeners, has which name. Names are compared as bytes: those
/// that come off the wire are views of a buffer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(Box<[(&'static str, usize)]>);

impl Index {
    /// Of names in this order; of several that are equal, the first is found.
    pub(crate) fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        let mut names: Vec<_> = names.into_iter().zip(0..).collect();
        names.sort_unstable();
        names.dedup_by_key(|(name, _)| *name);
        Self(names.into())
    }

    /// The place of a name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let found = self.0.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
        self.0.get(found).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn every_name_is_found_in_its_place() {
        let names = ["Resolve", "Shorten", "Stats", "Hello", "Hello"];
        let index = Index::new(names);
        let places = names.map(|name| index.find(name.as_bytes()));
        assert_eq!(places, [Some(0), Some(1), Some(2), Some(3), Some(3)]);
        assert_eq!(index.find(b"Hell"), None);
        assert_eq!(Index::default().find(b""), None);
    }
}
