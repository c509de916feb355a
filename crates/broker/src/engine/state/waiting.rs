//! The messages of a channel that wait for a consumer.

use std::collections::{BTreeMap, VecDeque};

/// A waiting message's place: priority, then the order of arrival.
pub(crate) type Place = (u32, u64);

/// Marks a message that has been taken out of the middle of the line.
const GONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: u64,
    priority: u32,
    slot: u32,
}

impl Entry {
    const fn place(&self) -> Place {
        (self.priority, self.seq)
    }
}

/// Slots in the order of their places. Nearly all messages arrive behind all others and leave from
/// the front, so those stand in a line, in constant time and 16 bytes each; what belongs further
/// ahead, because it is more urgent or has been with a worker before, is sorted in by a tree.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Sorted by place. The first is not gone.
    line: VecDeque<Entry>,
    gone: usize,
    ahead: BTreeMap<Place, u32>,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.line.len() - self.gone + self.ahead.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.ahead.is_empty()
    }

    pub(crate) fn insert(&mut self, (priority, seq): Place, slot: u32) {
        if self.line.back().is_none_or(|last| last.place() < (priority, seq)) {
            self.line.push_back(Entry { seq, priority, slot });
        } else {
            self.ahead.insert((priority, seq), slot);
        }
    }

    /// The first, which stays.
    pub(crate) fn first(&self) -> Option<(Place, u32)> {
        let line = self.line.front().map(|entry| (entry.place(), entry.slot));
        let ahead = self.ahead.first_key_value().map(|(place, slot)| (*place, *slot));
        line.into_iter().chain(ahead).min()
    }

    pub(crate) fn pop_first(&mut self) -> Option<u32> {
        if let Some(entry) = self.ahead.first_entry()
            && self.line.front().is_none_or(|first| *entry.key() < first.place())
        {
            return Some(entry.remove());
        }
        let slot = self.line.pop_front()?.slot;
        self.trim();
        Some(slot)
    }

    /// Takes out the message in this place, wherever it is.
    pub(crate) fn remove(&mut self, place: Place) {
        if self.ahead.remove(&place).is_some() {
            return;
        }
        let index = self.line.partition_point(|entry| entry.place() < place);
        if let Some(entry) = self.line.get_mut(index).filter(|entry| entry.place() == place && entry.slot != GONE) {
            entry.slot = GONE;
            self.gone += 1;
            self.trim();
        }
        if self.gone * 2 > self.line.len() {
            self.line.retain(|entry| entry.slot != GONE);
            self.gone = 0;
        }
    }

    /// All of them in order, behind this place if one is given.
    pub(crate) fn behind(&self, place: Option<Place>) -> impl Iterator<Item = (Place, u32)> {
        let from = place.map_or(0, |place| self.line.partition_point(|entry| entry.place() <= place));
        let line = self.line.range(from..).filter(|entry| entry.slot != GONE);
        let mut line = line.map(|entry| (entry.place(), entry.slot)).peekable();
        let from = place.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let ahead = self.ahead.range((from, std::ops::Bound::Unbounded));
        let mut ahead = ahead.map(|(place, slot)| (*place, *slot)).peekable();
        std::iter::from_fn(move || match (line.peek(), ahead.peek()) {
            (Some((one, _)), Some((other, _))) if other < one => ahead.next(),
            (Some(_), _) => line.next(),
            (None, _) => ahead.next(),
        })
    }

    /// All slots in order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.behind(None).map(|(_, slot)| slot)
    }

    /// Lets nothing that is gone stand first.
    fn trim(&mut self) {
        while self.gone > 0 && self.line.front().is_some_and(|first| first.slot == GONE) {
            self.line.pop_front();
            self.gone -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Place, Waiting};

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Place),
        Pop,
        Remove(Place),
    }

    fn place() -> impl Strategy<Value = Place> {
        (0_u32..3, 0_u64..30)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![3 => place().prop_map(Step::Insert), 1 => Just(Step::Pop), 2 => place().prop_map(Step::Remove)]
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(steps in prop::collection::vec(step(), 0..80), from in place()) {
            let (mut waiting, mut model) = (Waiting::default(), BTreeMap::new());
            for (slot, step) in (0..).zip(steps) {
                match step {
                    Step::Insert(place) if !model.contains_key(&place) => {
                        waiting.insert(place, slot);
                        model.insert(place, slot);
                    }
                    Step::Insert(_) => {}
                    Step::Pop => prop_assert_eq!(waiting.pop_first(), model.pop_first().map(|(_, slot)| slot)),
                    Step::Remove(place) => {
                        waiting.remove(place);
                        model.remove(&place);
                    }
                }
                prop_assert_eq!(waiting.first(), model.first_key_value().map(|(place, slot)| (*place, *slot)));
                prop_assert_eq!(waiting.len(), model.len());
                prop_assert_eq!(waiting.is_empty(), model.is_empty());
            }
            prop_assert!(waiting.slots().eq(model.values().copied()));
            let behind = model.range(from..).filter(|(place, _)| **place != from).map(|(place, slot)| (*place, *slot));
            prop_assert!(waiting.behind(Some(from)).eq(behind));
        }
    }
}
