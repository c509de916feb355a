//! What a planned restart keeps.

mod kept;
mod export;
mod import;

pub use self::kept::Exported;
