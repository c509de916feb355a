//! Whether a program is another one than before.

use std::{
    fs::{self, File},
    hash::Hasher as _,
    io::{self, Read as _},
    path::Path,
    time::SystemTime,
};

/// So much of a file is read at once.
const CHUNK: usize = 64 << 10;

/// What a program's file was when it was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint {
    length: u64,
    modified: SystemTime,
    content: u64,
}

impl Fingerprint {
    /// Looks at a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self { length: found.len(), modified: found.modified()?, content: content(path)? })
    }

    /// Looks at the file again, and reads it only if it was written since.
    ///
    /// # Errors
    /// As for [`Fingerprint::of`].
    pub(super) fn again(&self, path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        if (found.len(), found.modified()?) == (self.length, self.modified) { Ok(*self) } else { Self::of(path) }
    }

    /// Whether the two are the same program, whenever they were written.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.length, self.content) == (other.length, other.content)
    }
}

/// A number that two programs share only if they are the same: nobody chooses them to deceive.
fn content(path: &Path) -> io::Result<u64> {
    let (mut file, mut chunk) = (File::open(path)?, vec![0; CHUNK]);
    let mut hasher = std::hash::DefaultHasher::new();
    loop {
        let read = file.read(&mut chunk)?;
        match chunk.get(..read) {
            Some(bytes) if read > 0 => hasher.write(bytes),
            _ => return Ok(hasher.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_content_is_another_program() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders");
        fs::write(&path, "one").unwrap();
        let first = Fingerprint::of(&path).unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(first.again(&path).unwrap().is(&first));
        fs::write(&path, "two").unwrap();
        assert!(!first.again(&path).unwrap().is(&first));
        fs::remove_file(&path).unwrap();
        assert!(first.again(&path).is_err());
    }
}
