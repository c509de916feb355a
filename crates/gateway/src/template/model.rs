//! [`Template`] itself.

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This text.
    Literal(Box<str>),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: the rest of the path.
    Rest,
}

/// A field of the request that takes its value from the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field's path, such as `link.code`, cut at its dots.
    pub(crate) field: Vec<Box<str>>,
    /// The first piece that belongs to it.
    pub(crate) first: usize,
    /// The piece after the last that belongs to it.
    pub(crate) end: usize,
    /// Whether it may span several segments, so that an escaped slash stays escaped.
    pub(crate) multi: bool,
}

/// A parsed path template, such as `/v1/{path=files/**}:read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// Its segments; [`Piece::Rest`] is the last if it occurs.
    pub(crate) pieces: Vec<Piece>,
    /// Its variables in order.
    pub(crate) variables: Vec<Variable>,
    /// The verb after the colon.
    pub(crate) verb: Option<Box<str>>,
}
