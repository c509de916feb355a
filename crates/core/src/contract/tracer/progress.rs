//! What all parts of a trace share: what they have learnt, where they are, and the limits.

use std::cell::{Cell, RefCell};

/// How deep a value is followed. A contract that nests deeper is not read by anybody, and each level
/// costs stack.
pub(super) const MAX_DEPTH: usize = 16;

/// How many values are followed in all, so that a contract stays small.
const MAX_NODES: usize = 1_024;

/// A type that is being traced: its name and its fields.
pub(super) type Open = (&'static str, &'static [&'static str]);

/// The state of a trace.
#[derive(Debug, Default)]
pub(super) struct Progress {
    changes: Cell<usize>,
    nodes: Cell<usize>,
    open: RefCell<Vec<Open>>,
    /// Set by a map whose keys are field names: a struct with a flattened part.
    pub(super) flattened: Cell<bool>,
    /// Set by an enum that is a field of itself: its tag, with its content beside it.
    pub(super) adjacent: Cell<bool>,
}

impl Progress {
    /// How much was learnt so far.
    pub(super) fn changes(&self) -> usize {
        self.changes.get()
    }

    /// Something was learnt.
    pub(super) fn changed(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    /// Whether another value may be followed; if so, it counts.
    pub(super) fn another_node(&self) -> bool {
        self.nodes.set(self.nodes.get() + 1);
        self.nodes.get() <= MAX_NODES
    }

    /// Whether a value of this type is being traced already: the type is recursive.
    pub(super) fn is_open(&self, ty: Open) -> bool {
        self.open.borrow().contains(&ty)
    }

    /// The innermost type that is being traced.
    pub(super) fn innermost(&self) -> Option<Open> {
        self.open.borrow().last().copied()
    }

    /// Traces something inside this type.
    pub(super) fn inside<T>(&self, ty: Open, trace: impl FnOnce() -> T) -> T {
        self.open.borrow_mut().push(ty);
        let result = trace();
        self.open.borrow_mut().pop();
        result
    }
}
