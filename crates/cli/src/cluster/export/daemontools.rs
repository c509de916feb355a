//! Service directories for daemontools: `run`, `log/run` and `env/`.

use super::{
    super::plan::{Part, Spec},
    pieces::Pieces,
    tree::Tree,
};
use crate::failure::Failure;

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
            // A variable that the cluster file has no more would still be one for envdir.
            tree.whole(format!("{name}/env"));
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
    words.extend(["sh".to_owned(), "-c".to_owned(), quoted("cd \"$0\" && exec \"$@\"")]);
    words.push(quoted(&spec.directory.display().to_string()));
    if let Some(address) = part.held {
        // The socket stays open while the gateway behind it is replaced: svc -a.
        words.push(quoted(&pieces.sky.display().to_string()));
        words.extend(["hold".to_owned(), "--listen".to_owned(), address.to_string(), "--".to_owned()]);
    }
    words.push(quoted(&spec.program.display().to_string()));
    words.extend(spec.arguments.iter().map(|argument| quoted(argument)));
    format!("#!/bin/sh\n# {}\n{}\nexec 2>&1\nexec {}\n", spec.name, mark(pieces), words.join(" "))
}

/// The line by which a directory is known as one of this cluster's.
pub(super) fn mark(pieces: &Pieces<'_>) -> String {
    format!("# of the cluster {}, written by sky supervise daemontools.", pieces.name)
}

fn log(pieces: &Pieces<'_>) -> String {
    let mut words: Vec<String> = user(pieces).collect();
    words.extend(["multilog", "t", "s1000000", "n20", "./main"].map(str::to_owned));
    // Who runs multilog as another user is root, whose the directory is that multilog would write into.
    let made = pieces.user.map(|user| format!("mkdir -p main && chown {user} main || exit 111\n")).unwrap_or_default();
    format!("#!/bin/sh\n{made}exec {}\n", words.join(" "))
}

fn user(pieces: &Pieces<'_>) -> impl Iterator<Item = String> + use<> {
    pieces.user.map(|user| ["setuidgid".to_owned(), user.to_owned()]).into_iter().flatten()
}

/// A word for the shell, quoted if it has to be.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
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
    fn words_are_quoted_where_the_shell_would_read_more_into_them() {
        assert_eq!(quoted("--listen=127.0.0.1:8080"), "--listen=127.0.0.1:8080");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn values_survive_envdir_or_are_refused() {
        assert_eq!(envdir("unix:/x").unwrap(), "unix:/x\n");
        assert_eq!(envdir("a\nb").unwrap(), "a\0b\n");
        assert_eq!(envdir("").unwrap(), "\n");
        assert!(envdir("a ").is_err());
    }
}
