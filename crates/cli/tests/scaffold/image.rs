//! A Dockerfile, followed without a container: its stages are folders, and its commands are run in them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::tools::{in_project, ok};

/// Builds what is asked for, as Cargo is called in a Dockerfile, but beside all else that the tests build and without
/// optimisations. Only the programs that this makes come to lie where a release has them.
const CARGO: &str = r#"#!/bin/sh
set -eu
release=
for argument do
    shift
    if test "$argument" = --release; then release=yes; else set -- "$@" "$argument"; fi
done
test -n "$release"
"$REAL_CARGO" "$@" --message-format=json-render-diagnostics > "$MADE"
mkdir -p target/release
sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$MADE" | while read -r program; do cp "$program" target/release/; done
"#;

/// What the base images have, of all that is copied from them.
const OF_BASE: [&str; 1] = ["/etc/ssl/certs/ca-certificates.crt"];

/// One instruction, such as `COPY` and what follows it.
pub(crate) type Instruction = (String, String);

/// The instructions of a Dockerfile, each on one line.
pub(crate) fn instructions(text: &str) -> Vec<Instruction> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let whole: String = lines.flat_map(|line| [line, "\n"]).collect();
    let whole = whole.replace("\\\n", " ");
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let instruction = |line: &str| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
    lines.map(|line| instruction(line).unwrap_or_else(|| panic!("{line:?} has nothing after it"))).collect()
}

/// What the instructions have made so far.
struct Stage {
    /// What is its `/`.
    root: PathBuf,
    workdir: PathBuf,
    arguments: BTreeMap<String, String>,
}

impl Stage {
    /// Where a path of the image is.
    fn at(&self, path: &str) -> PathBuf {
        let absolute = self.workdir.join(path);
        self.root.join(absolute.strip_prefix("/").expect("a working directory is absolute"))
    }
}

/// An image, and what it says of its program.
pub(crate) struct Image {
    stage: Stage,
    /// The user that the program is run as.
    pub(crate) user: String,
    /// The signal that ends it.
    pub(crate) stop: String,
    /// The program and its arguments.
    entrypoint: Vec<String>,
}

impl Image {
    /// Follows the Dockerfile of a project in a folder of its own.
    ///
    /// # Errors
    /// What a command says that fails.
    pub(crate) fn build(project: &Path, folder: &Path, arguments: &[(&str, &str)]) -> Result<Self, String> {
        let mut stages: BTreeMap<String, Stage> = BTreeMap::new();
        let mut image =
            Self { stage: stage(folder, "none"), user: String::new(), stop: String::new(), entrypoint: vec![] };
        let mut name = String::new();
        for (instruction, rest) in instructions(&fs::read_to_string(project.join("Dockerfile")).unwrap()) {
            match instruction.as_str() {
                "FROM" => {
                    let next = rest.split_once(" AS ").map_or("last", |(_, name)| name).to_owned();
                    let new = stage(folder, &next);
                    stages.insert(std::mem::replace(&mut name, next), std::mem::replace(&mut image.stage, new));
                }
                "ARG" => {
                    let given = arguments.iter().filter(|(name, _)| *name == rest);
                    image.stage.arguments.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
                }
                "WORKDIR" => {
                    image.stage.workdir = rest.into();
                    fs::create_dir_all(image.stage.at(".")).unwrap();
                }
                "COPY" => copy(&rest, project, &stages, &image.stage),
                "RUN" => run(&rest, &image.stage)?,
                "USER" => image.user = rest,
                "STOPSIGNAL" => image.stop = rest,
                "ENTRYPOINT" => image.entrypoint = serde_json::from_str(&rest).expect("a program and its arguments"),
                other => panic!("this test does not know {other}"),
            }
        }
        Ok(image)
    }

    /// A file of the image, below the program's working directory.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.stage.at(path)
    }

    /// Whether each file may be read by everybody, as the user of an image has to.
    pub(crate) fn is_readable(&self) -> bool {
        let files = fs::read_dir(self.stage.at(".")).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap()).all(|found| found.permissions().mode() & 0o004 != 0)
    }

    /// Runs its program.
    pub(crate) fn run(&self, variable: (&str, &str)) -> Output {
        let (program, arguments) = self.entrypoint.split_first().expect("a program");
        let mut command = Command::new(self.stage.at(program));
        command.args(arguments).env_clear().env(variable.0, variable.1).current_dir(self.stage.at("."));
        command.output().unwrap()
    }
}

fn stage(folder: &Path, name: &str) -> Stage {
    let root = folder.join(name);
    fs::create_dir_all(&root).unwrap();
    Stage { root, workdir: "/".into(), arguments: BTreeMap::new() }
}

/// Copies from the project, without what it keeps from an image, or from another stage.
fn copy(rest: &str, project: &Path, stages: &BTreeMap<String, Stage>, stage: &Stage) {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let from = words.first().and_then(|word| word.strip_prefix("--from=")).map(|name| &stages[name]);
    words.drain(..usize::from(from.is_some()));
    let to = words.pop().expect("where to copy to");
    for source in words {
        let Some(from) = from else {
            assert_eq!((source, to), (".", "."), "the whole project is copied");
            let context = stage.at(".");
            ok(Command::new("cp").arg("-a").arg(project.join(".")).arg(&context));
            for ignored in fs::read_to_string(project.join(".dockerignore")).unwrap().lines() {
                assert!(!ignored.contains(['*', '!', '/']), "{ignored}: this test knows names alone");
                ok(Command::new("rm").arg("-rf").arg(context.join(ignored)));
            }
            continue;
        };
        if OF_BASE.contains(&source) {
            continue;
        }
        assert!(to.ends_with('/'), "{to} is a folder");
        fs::create_dir_all(stage.at(to)).unwrap();
        ok(Command::new("cp").arg("-a").arg(from.at(source)).arg(stage.at(to)));
    }
}

/// Runs a command of the build.
fn run(line: &str, stage: &Stage) -> Result<(), String> {
    let tools = stage.root.join("tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("cargo"), CARGO).unwrap();
    fs::set_permissions(tools.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]);
    in_project(&mut shell, &stage.at("."));
    shell.env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap()));
    shell.env("REAL_CARGO", env!("CARGO")).env("MADE", tools.join("made")).envs(&stage.arguments);
    let output = shell.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
