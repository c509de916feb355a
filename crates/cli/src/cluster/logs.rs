//! The lines that processes write, each after the name of its process.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::{
    failure::Failure,
    output::Paint,
    text::{printable, why},
};

/// The longest line kept whole; what is longer is shown in pieces.
const MAX_LINE: u64 = 16 << 10;

/// A log file that has grown so large is set aside as `NAME.log.1` and begun anew, so that one
/// service never takes more than twice as much of the disk.
const MAX_FILE: u64 = 16 << 20;

/// So many of a process's last lines are kept, to be shown when it has ended.
const LAST: usize = 8;

/// The most characters of a line that is kept for that.
const LAST_WIDTH: usize = 300;

/// The screen and, if there is a run directory, one file for each part of the cluster. Cheap to
/// clone.
#[derive(Clone)]
pub(super) struct Logs {
    shared: Arc<Shared>,
}

struct Shared {
    paint: Paint,
    sinks: Mutex<Sinks>,
}

struct Sinks {
    screen: Box<dyn Write + Send>,
    /// The longest name of a process.
    width: usize,
    /// What each part's lines look like.
    numbers: BTreeMap<String, usize>,
    /// Where log files are kept.
    directory: Option<PathBuf>,
    files: BTreeMap<String, LogFile>,
    last: BTreeMap<String, VecDeque<String>>,
    muted: BTreeSet<String>,
}

struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Logs {
    /// Shows what processes write, and keeps it in this directory, if there is one.
    pub(super) fn new(screen: impl Write + Send + 'static, paint: Paint, directory: Option<PathBuf>) -> Self {
        let sinks = Sinks {
            screen: Box::new(screen),
            width: 0,
            numbers: BTreeMap::new(),
            directory,
            files: BTreeMap::new(),
            last: BTreeMap::new(),
            muted: BTreeSet::new(),
        };
        Self { shared: Arc::new(Shared { paint, sinks: Mutex::new(sinks) }) }
    }

    /// These parts write from now on, each into a file of its own, and no others; their processes have names of at
    /// most `width` characters.
    ///
    /// # Errors
    /// The first log file that cannot be written; the others are.
    pub(super) fn follow_parts(&self, parts: &BTreeSet<String>, width: usize) -> Result<(), Failure> {
        let sinks = &mut *self.sinks();
        sinks.width = width;
        sinks.files.retain(|part, _| parts.contains(part));
        sinks.numbers.retain(|part, _| parts.contains(part));
        sinks.last.retain(|process, _| parts.contains(part_of(process)));
        sinks.muted.retain(|process| parts.contains(part_of(process)));
        let mut result = Ok(());
        for part in parts {
            // Its look stays when others come and go.
            let number = sinks.numbers.values().max().map_or(0, |last| last + 1);
            sinks.numbers.entry(part.clone()).or_insert(number);
            if let Some(directory) = sinks.directory.as_deref().filter(|_| !sinks.files.contains_key(part)) {
                let path = directory.join(format!("{part}.log"));
                match fs::create_dir_all(directory).and_then(|()| LogFile::open(&path)) {
                    Ok(file) => drop(sinks.files.insert(part.clone(), file)),
                    Err(error) => {
                        let failure = Failure::failed(format!("cannot write {}: {}", path.display(), why(&error)));
                        result = result.and(Err(failure));
                    }
                }
            }
        }
        result
    }

    fn sinks(&self) -> MutexGuard<'_, Sinks> {
        // Nothing panics while it is locked.
        self.shared.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the supervisor itself has to say.
    pub(super) fn say(&self, sentence: &str) {
        self.line("sky", sentence.as_bytes());
    }

    /// Shows a text of several lines as it is, not cut apart by what processes write meanwhile.
    pub(super) fn show(&self, text: &str) {
        drop(self.sinks().screen.write_all(text.as_bytes()));
    }

    /// Shows no lines of this process until they are to be shown again; they are kept in its file.
    pub(super) fn mute(&self, process: &str, mute: bool) {
        let mut sinks = self.sinks();
        if mute {
            sinks.muted.insert(process.to_owned())
        } else {
            sinks.muted.remove(process)
        };
    }

    /// The last lines of a process since this was asked before, without what would move a cursor.
    pub(super) fn last_lines(&self, process: &str) -> Vec<String> {
        self.sinks().last.remove(process).into_iter().flatten().collect()
    }

    /// One line of a process of this name, such as `qr.2`. It is written at once: a screen that stands still loses it,
    /// and holds up neither the processes nor whoever looks after them.
    pub(super) fn line(&self, process: &str, line: &[u8]) {
        let (paint, part) = (self.shared.paint, part_of(process));
        let mut sinks = self.sinks();
        let prefix = format!("{process:<width$} |", width = sinks.width);
        let prefix = match sinks.numbers.get(part) {
            Some(number) => paint.numbered(*number, &prefix),
            None => paint.bold(&prefix),
        };
        let mut shown = Vec::with_capacity(prefix.len() + line.len() + 2);
        for piece in [prefix.as_bytes(), b" ", line, b"\n"] {
            shown.extend_from_slice(piece);
        }
        // A terminal that has gone away, or a full disk, must not end the cluster.
        if !sinks.muted.contains(process) {
            drop(sinks.screen.write_all(&shown));
        }
        if part != "sky" {
            sinks.keep(process, line);
        }
        if let Some(file) = sinks.files.get_mut(part) {
            drop(file.write(process, line));
        }
    }

    /// Passes on what a process writes until it writes no more.
    pub(super) async fn follow(self, process: String, output: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).await {
                Ok(1..) => {
                    let text = line.strip_suffix(b"\n").unwrap_or(&line);
                    self.line(&process, text.strip_suffix(b"\r").unwrap_or(text));
                }
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// The part that a process belongs to, by its name, such as `qr` of `qr.2`.
fn part_of(process: &str) -> &str {
    process.split('.').next().unwrap_or(process)
}

impl Sinks {
    fn keep(&mut self, process: &str, line: &[u8]) {
        let text = printable(&String::from_utf8_lossy(line)).chars().take(LAST_WIDTH).collect();
        let last = self.last.entry(process.to_owned()).or_default();
        last.push_back(text);
        if last.len() > LAST {
            last.pop_front();
        }
    }
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_path_buf(), file, size })
    }

    fn write(&mut self, process: &str, line: &[u8]) -> io::Result<()> {
        if self.size > MAX_FILE {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(&self.path)?;
        }
        let mut text = format!("{process} | ").into_bytes();
        text.extend_from_slice(line);
        text.push(b'\n');
        self.size += text.len() as u64;
        self.file.write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    /// A screen that can be read.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn parts(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_file_of_a_part_that_is_gone_is_closed_and_one_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let logs = Logs::new(io::sink(), Paint::stderr(ColorChoice::Never), Some(directory.path().to_path_buf()));
        logs.follow_parts(&parts(&["links", "qr"]), 7).unwrap();
        logs.mute("qr.1", true);
        logs.line("qr.1", b"one");
        logs.follow_parts(&parts(&["links"]), 7).unwrap();
        logs.line("qr.1", b"two");
        assert_eq!(fs::read_to_string(directory.path().join("qr.log")).unwrap(), "qr.1 | one\n");
        let kept = |sinks: &Sinks| (sinks.files.len(), sinks.numbers.len(), sinks.muted.len());
        assert_eq!(kept(&logs.sinks()), (1, 1, 0));
        fs::create_dir(directory.path().join("audit.log")).unwrap();
        let said = logs.follow_parts(&parts(&["audit", "links", "qr"]), 7).unwrap_err().to_string();
        assert!(said.starts_with(&format!("cannot write {}/audit.log: ", directory.path().display())), "{said}");
        logs.line("qr.1", b"three");
        assert_eq!(fs::read_to_string(directory.path().join("qr.log")).unwrap(), "qr.1 | one\nqr.1 | three\n");
    }

    #[tokio::test]
    async fn each_line_is_shown_after_its_process_and_kept_in_the_file_of_its_part() {
        let (directory, screen) = (tempfile::tempdir().unwrap(), Screen::default());
        let logs = Logs::new(screen.clone(), Paint::stderr(ColorChoice::Always), Some(directory.path().to_path_buf()));
        logs.follow_parts(&parts(&["qr"]), 7).unwrap();
        logs.follow_parts(&parts(&["links", "qr"]), 7).unwrap();
        logs.clone().follow("qr.2".to_owned(), "one\r\ntwo".as_bytes()).await;
        logs.line("links.1", b"three");
        logs.say("nothing of this is in a file");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(read("qr.log"), "qr.2 | one\nqr.2 | two\n");
        assert_eq!(read("links.log"), "links.1 | three\n");
        let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "\x1b[36mqr.2    |\x1b[0m one",
                "\x1b[36mqr.2    |\x1b[0m two",
                "\x1b[33mlinks.1 |\x1b[0m three",
                "\x1b[1msky     |\x1b[0m nothing of this is in a file"
            ]
        );
    }

    #[tokio::test]
    async fn an_endless_line_comes_in_pieces_and_a_large_file_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let logs = Logs::new(io::sink(), Paint::stderr(ColorChoice::Never), Some(directory.path().to_path_buf()));
        logs.follow_parts(&parts(&["qr"]), 4).unwrap();
        let line = vec![b'x'; usize::try_from(MAX_LINE).unwrap() + 1];
        logs.clone().follow("qr.1".to_owned(), line.as_slice()).await;
        let path = directory.path().join("qr.log");
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        logs.sinks().files.get_mut("qr").unwrap().size = MAX_FILE + 1;
        logs.line("qr.1", b"fresh");
        assert_eq!(fs::read_to_string(&path).unwrap(), "qr.1 | fresh\n");
        assert!(directory.path().join("qr.log.1").exists());
    }
}
