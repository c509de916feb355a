//! The file that carries the engine's state over a planned restart.
//!
//! Three lines: a header, the state as JSON, and a checksum of both. It is read once and deleted.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use skyloom_core::Guid;

use super::{encoded::Encoded, options::with_suffix};
use crate::engine::Exported;

/// The version of the file's form. Another one is not read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    skyloom_snapshot: u32,
    /// Names the state to the clients, as it did before the restart.
    epoch: Guid,
    /// When it was written, in milliseconds since the Unix epoch.
    saved_ms: u64,
}

/// What a snapshot holds.
pub(super) struct Snapshot {
    pub(super) epoch: Guid,
    /// How long ago it was written.
    pub(super) age: Duration,
    pub(super) state: Exported<Encoded>,
}

/// Writes the snapshot, readable for its owner only, completely or not at all.
pub(super) fn save(path: &Path, epoch: Guid, state: &Exported<Encoded>) -> io::Result<()> {
    let temporary = with_suffix(path, ".new");
    // A crash may have left one behind.
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = write(file, epoch, state).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Whether a snapshot can be written there.
pub(super) fn try_out(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let trial = with_suffix(path, ".trial");
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&trial)?;
    fs::remove_file(trial)
}

fn write(file: File, epoch: Guid, state: &Exported<Encoded>) -> io::Result<()> {
    let mut out = Summed { inner: BufWriter::new(file), sum: Checksum::new() };
    serde_json::to_writer(&mut out, &Header { skyloom_snapshot: VERSION, epoch, saved_ms: now_ms() })?;
    out.write_all(b"\n")?;
    serde_json::to_writer(&mut out, state)?;
    out.write_all(b"\n")?;
    let Summed { mut inner, sum } = out;
    writeln!(inner, "{sum}", sum = sum.text())?;
    inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Reads the snapshot and deletes it. One that cannot be used is set aside with a warning: whoever
/// starts the broker wants it to run.
pub(super) fn take(path: &Path) -> Option<Snapshot> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the snapshot cannot be read; starting without it");
            return None;
        }
    };
    let (snapshot, fate) = match parse(&content) {
        Ok(snapshot) => (Some(snapshot), fs::remove_file(path)),
        Err(reason) => {
            let aside = with_suffix(path, ".damaged");
            tracing::warn!(
                path = %path.display(), %reason, aside = %aside.display(),
                "the snapshot is damaged; it is set aside, and what it held is not taken up"
            );
            (None, fs::rename(path, aside))
        }
    };
    if let Err(error) = fate {
        tracing::warn!(path = %path.display(), %error, "the snapshot could not be removed; remove it by hand");
    }
    snapshot
}

fn parse(content: &[u8]) -> Result<Snapshot, String> {
    let cut = || "it is not complete".to_owned();
    let trailer = content.len().checked_sub(Checksum::TEXT + 1).ok_or_else(cut)?;
    let (summed, trailer) = content.split_at_checked(trailer).ok_or_else(cut)?;
    let mut sum = Checksum::new();
    sum.add(summed);
    if trailer.strip_suffix(b"\n") != Some(sum.text().as_bytes()) {
        return Err("its checksum is wrong".to_owned());
    }
    let line = summed.iter().position(|byte| *byte == b'\n').ok_or_else(cut)?;
    let (header, state) = summed.split_at_checked(line).ok_or_else(cut)?;
    let header: Header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.skyloom_snapshot != VERSION {
        return Err(format!("it has version {} and not {VERSION}", header.skyloom_snapshot));
    }
    let state = serde_json::from_slice(state).map_err(|error| error.to_string())?;
    let age = Duration::from_millis(now_ms().saturating_sub(header.saved_ms));
    Ok(Snapshot { epoch: header.epoch, age, state })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): it finds a damaged file, not a forged one, which the
/// file's mode is for.
struct Checksum(u64);

impl Checksum {
    /// The length of its text.
    const TEXT: usize = 16;

    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// Sums up what it passes on.
struct Summed<W> {
    inner: W,
    sum: Checksum,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.add(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
