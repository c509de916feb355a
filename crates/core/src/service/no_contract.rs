//! What the compiler says of a trait that is no contract.

use super::Definition;

/// A contract's trait. Nothing implements this: it is missed where a trait has no definition of its own.
#[diagnostic::on_unimplemented(
    message = "this is not the trait of a contract",
    label = "`#[service]` is not on this trait",
    note = "put `#[service(version = 1)]` on the trait, too, or the handlers into an `impl` without a trait"
)]
#[doc(hidden)]
pub trait IsContract: Sized {
    /// Its definition.
    fn defined() -> Definition<Self>;
}

/// Gives a definition to what has none. A contract's trait has one under the same name, which comes first.
#[doc(hidden)]
pub trait NoContract: Sized {
    /// The definition, if it is a contract after all.
    #[must_use]
    fn __definition() -> Definition<Self>
    where
        Self: IsContract,
    {
        Self::defined()
    }
}

impl<T> NoContract for T {}
