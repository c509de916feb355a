//! What is printed where nobody can write, or nobody reads.

use std::{
    fs::OpenOptions,
    process::{Command, Output, Stdio},
};

use crate::ground::{command, hello_program};

/// What is printed without a broker.
const PRINTED: [&[&str]; 6] =
    [&["help"], &["--help"], &["help", "queues"], &["queues", "-h"], &["--version"], &["completions", "bash"]];

fn output(mut command: Command, out: impl Into<Stdio>) -> Output {
    command.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn full() -> std::fs::File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads any more.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

#[test]
fn what_cannot_be_written_is_said() {
    for arguments in PRINTED {
        let mut sky = command();
        sky.args(arguments);
        let output = output(sky, full());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "sky: could not write to standard output: the disk is full\n", "{arguments:?}");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    for flag in ["--help", "--version"] {
        let mut service = Command::new(hello_program());
        service.arg(flag);
        let output = output(service, full());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "error: could not write to standard output: the disk is full\n", "{flag}");
        assert_eq!(output.status.code(), Some(1), "{flag}");
    }
}

#[test]
fn what_nobody_reads_is_no_failure() {
    for arguments in PRINTED {
        let mut sky = command();
        sky.args(arguments);
        let output = output(sky, closed());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    for flag in ["--help", "--version"] {
        let mut service = Command::new(hello_program());
        service.arg(flag);
        let output = output(service, closed());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{flag}");
        assert_eq!(output.status.code(), Some(0), "{flag}");
    }
}
