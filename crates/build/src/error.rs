//! Why a contract was not compiled.

use std::{fmt, io, path::PathBuf};

/// Why a contract was not compiled. Cargo prints the `Debug` form of what a build script returns, so
/// that is the sentence as well.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A `.proto` file is missing or wrong; the text begins with its place.
    #[error("{0}")]
    Proto(String),
    /// Methods ask for something that a queue cannot do: of each the file and the line, what is wrong, and what to do.
    #[error("{}", .0.join("\n"))]
    Contract(Vec<String>),
    /// Nobody said where to write.
    #[error("OUT_DIR is not set: call this from a build script, or set `Builder::out_dir`")]
    NoOutDir,
    /// The code could not be generated or written.
    #[error("cannot write the code to {}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
