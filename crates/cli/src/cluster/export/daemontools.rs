//! Service directories for daemontools: `run`, `log/run` and `env/`.

use std::path::{Path, PathBuf};

use skyloom::embedded::Address;

use super::{
    super::plan::{Part, Spec},
    pieces::{OPEN_FILES, Pieces},
    stale,
    tree::Tree,
};
use crate::{failure::Failure, text::shell_word};

/// Who is not root may not raise the limit that daemontools was started with.
const LIMIT: &str = "# Each connection is an open file. Only root may set the limit higher than it is.\n";

/// One directory for each process.
///
/// # Errors
/// If a variable's value is one that envdir cannot give.
pub(super) fn directories(pieces: &Pieces<'_>) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    for (part, _, _) in pieces.parts() {
        for spec in &part.processes {
            let name = &spec.name;
            tree.program(format!("{name}/run"), run(pieces, part, spec));
            tree.program(format!("{name}/log/run"), log(pieces));
            for (variable, value) in &spec.environment {
                let text = envdir(value).map_err(|why| Failure::usage(format!("{name}: {variable}: {why}")))?;
                tree.secret(format!("{name}/env/{variable}"), text);
            }
        }
    }
    Ok(tree)
}

fn run(pieces: &Pieces<'_>, part: &Part, spec: &Spec) -> String {
    let mut words = vec!["envdir".to_owned(), "./env".to_owned()];
    words.extend(user(pieces));
    // The directory of the service is another than the one that the program runs in.
    words.extend(["sh".to_owned(), "-c".to_owned(), shell_word("cd \"$0\" && exec \"$@\"")]);
    words.push(shell_word(&spec.directory.display().to_string()));
    if let Some(address) = part.held {
        // The socket stays open while the gateway behind it is replaced: svc -a.
        words.push(shell_word(&pieces.sky.display().to_string()));
        words.extend(["hold".to_owned(), "--listen".to_owned(), address.to_string(), "--".to_owned()]);
    }
    words.push(shell_word(&spec.program.display().to_string()));
    words.extend(arguments(pieces, spec).map(shell_word));
    format!(
        "#!/bin/sh\n# {}\n{}\n{LIMIT}ulimit -n {OPEN_FILES} 2>/dev/null\nexec 2>&1\nexec {}\n",
        spec.name,
        mark(pieces),
        words.join(" ")
    )
}

/// The arguments of a process. The default place of the broker is another for each user, so that the broker looks it up
/// when it starts, as the others do: who writes this may be somebody else.
fn arguments<'a>(pieces: &'a Pieces<'_>, spec: &'a Spec) -> impl Iterator<Item = &'a str> {
    let place = pieces.broker().map(Address::to_string);
    let asked = pieces.plan.endpoints.embedded().ok().flatten();
    spec.arguments.iter().map(move |argument| match asked {
        Some(asked) if place.as_ref() == Some(argument) => asked,
        _ => argument.as_str(),
    })
}

fn mark(pieces: &Pieces<'_>) -> String {
    stale::mark(pieces.name, "daemontools")
}

/// A sentence about the processes and the logs that may still run as they were, because svscan has started them and a
/// program or a variable of theirs is to be another. It has to be asked before the new ones are written.
pub(super) fn changed(pieces: &Pieces<'_>, tree: &Tree, directory: &Path) -> Option<String> {
    let processes = || pieces.parts().flat_map(|(part, _, _)| &part.processes);
    let gone = processes().flat_map(|spec| stale::others(tree, directory, &Path::new(&spec.name).join("env")));
    // A variable may be new, too.
    let new = tree.paths().filter(|path| !directory.join(path).exists()).map(Path::to_path_buf);
    let files: Vec<PathBuf> = tree.changes(directory, |text| text).into_iter().chain(gone).chain(new).collect();
    let folders = processes().flat_map(|spec| [PathBuf::from(&spec.name), Path::new(&spec.name).join("log")]);
    let changed = folders.filter(|folder| {
        let is_own = |file: &PathBuf| *file == folder.join("run") || file.starts_with(folder.join("env"));
        files.iter().any(is_own) && directory.join(folder).join("supervise").exists()
    });
    let changed: Vec<String> = changed.map(|folder| word(&directory.join(folder))).collect();
    (!changed.is_empty()).then(|| format!("what has changed takes a restart: svc -t {}", changed.join(" ")))
}

/// Removes what an earlier writing has left in the directory; a sentence about each. A process that has been
/// supervised may still run, and has a log: it is named, with what ends it.
///
/// # Errors
/// The first that cannot be removed.
pub(super) fn sweep(pieces: &Pieces<'_>, tree: &Tree, directory: &Path) -> Result<Vec<String>, Failure> {
    let mut said = Vec::new();
    for spec in pieces.parts().flat_map(|(part, _, _)| &part.processes) {
        // It would still be a variable for envdir.
        for path in stale::others(tree, directory, &Path::new(&spec.name).join("env")) {
            let path = directory.join(path);
            stale::remove(&path)?;
            said.push(format!("{} is no variable of the cluster file, and is removed", path.display()));
        }
    }
    for folder in stale::folders(tree, directory, &mark(pieces)) {
        let path = directory.join(&folder);
        let shown = path.display();
        if path.join("supervise").exists() || path.join("log/supervise").exists() {
            let hidden = directory.join(format!(".{}", folder.display()));
            said.push(format!(
                "{shown} is no part of the cluster any more: hide it from svscan (mv {} {hides}, or remove its link in \
                 /service), end it (svc -dx {hides} {}), and remove it when its log is not needed",
                word(&path),
                word(&hidden.join("log")),
                hides = word(&hidden)
            ));
            continue;
        }
        let variables = stale::others(&Tree::default(), directory, &folder.join("env"));
        let ours = ["env", "log/run", "log", "run", ""].map(|path| folder.join(path));
        let all: Vec<PathBuf> = variables.into_iter().chain(ours).collect();
        all.iter().try_for_each(|path| stale::remove(&directory.join(path)))?;
        said.push(format!("{shown} is no part of the cluster any more, has never run, and is removed"));
    }
    Ok(said)
}

/// A path in a command to type.
fn word(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

fn log(pieces: &Pieces<'_>) -> String {
    let mut words: Vec<String> = user(pieces).collect();
    words.extend(["multilog", "t", "s1000000", "n20", "./main"].map(str::to_owned));
    // Who runs multilog as another user is root, whose the directory is that multilog would write into.
    let made = pieces.user.map(|user| format!("mkdir -p main && chown {user} main || exit 111\n")).unwrap_or_default();
    format!("#!/bin/sh\n{made}exec {}\n", words.join(" "))
}

/// Where the arguments of a part are, and where its variables.
pub(super) fn places(part: &Part) -> [String; 2] {
    let name = part.processes.first().map(|spec| spec.name.as_str()).unwrap_or_default();
    [format!("{name}/run"), format!("{name}/env")]
}

fn user(pieces: &Pieces<'_>) -> impl Iterator<Item = String> + use<> {
    pieces.user.map(|user| ["setuidgid".to_owned(), user.to_owned()]).into_iter().flatten()
}

/// A value as envdir reads it from a file: the first line, without spaces and tabs at its end, with every zero byte as
/// a new line. A file without anything would take the variable away.
fn envdir(value: &str) -> Result<String, &'static str> {
    if value.contains('\0') {
        return Err("a zero byte cannot be in a variable");
    }
    if value.ends_with([' ', '\t']) {
        return Err("envdir takes away spaces at the end of a value; write it without");
    }
    Ok(value.replace('\n', "\0") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_envdir_or_are_refused() {
        assert_eq!(envdir("unix:/x").unwrap(), "unix:/x\n");
        assert_eq!(envdir("a\nb").unwrap(), "a\0b\n");
        assert_eq!(envdir("").unwrap(), "\n");
        assert!(envdir("a ").is_err());
    }
}
