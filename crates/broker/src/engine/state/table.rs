//! Things in slots.

use slab::Slab;

/// Things with small numbers of their own, found in constant time. A number is used again after
/// its thing is gone, so whoever keeps one for longer keeps something unique beside it.
#[derive(Debug)]
pub(crate) struct Table<T>(Slab<T>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self(Slab::new())
    }

    /// The number that the next [`Table::insert`] gives; none if all are used up.
    pub(crate) fn next(&self) -> Option<u32> {
        u32::try_from(self.0.vacant_key()).ok()
    }

    /// Puts a thing in a free slot; hands it back if there is none.
    pub(crate) fn insert(&mut self, thing: T) -> Result<u32, T> {
        match self.next() {
            Some(slot) => {
                self.0.insert(thing);
                Ok(slot)
            }
            None => Err(thing),
        }
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.0.get(slot as usize)
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.0.get_mut(slot as usize)
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        self.0.try_remove(slot as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All things with their numbers, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.0.iter().filter_map(|(slot, thing)| Some((u32::try_from(slot).ok()?, thing)))
    }
}

/// Things in the slots that they had before.
impl<T> FromIterator<(u32, T)> for Table<T> {
    fn from_iter<I: IntoIterator<Item = (u32, T)>>(things: I) -> Self {
        Self(things.into_iter().map(|(slot, thing)| (slot as usize, thing)).collect())
    }
}
