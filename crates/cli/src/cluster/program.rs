//! Where the program of a command is.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::place::absolute;
use crate::text::why;

/// What the system says of a file that is none of its programs: `ENOEXEC` of errno(3).
const NO_PROGRAM: i32 = 8;

/// The program's file. A name with a slash is a path, relative to the cluster file's folder. A plain name is
/// looked for beside `sky` itself, where a build puts a workspace's programs, and then in `PATH`.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn find(program: &str, folder: &Path) -> Result<PathBuf, String> {
    if program.contains('/') {
        let path = absolute(folder, Path::new(program));
        return if !path.exists() {
            Err(format!("{} does not exist; build it first, or correct the command", path.display()))
        } else if !is_executable(&path) {
            Err(format!("{} is no program; it is a directory, or nobody may execute it", path.display()))
        } else {
            Ok(path)
        };
    }
    let beside = env::current_exe().ok().and_then(|sky| Some(sky.parent()?.to_path_buf()));
    let path = env::var_os("PATH").unwrap_or_default();
    let places = beside.into_iter().chain(env::split_paths(&path));
    let found = places.map(|place| place.join(program)).find(|path| is_executable(path));
    // `PATH` may be relative to where `sky` was started, and the program runs elsewhere.
    found.and_then(|path| std::path::absolute(path).ok()).ok_or_else(|| {
        format!("there is no program {program:?} beside sky or in PATH; build it first, or give its path")
    })
}

/// Why the system does not start a program in this folder.
pub(super) fn refused(program: &Path, folder: &Path, error: &io::Error) -> String {
    let shown = program.display();
    match error.kind() {
        io::ErrorKind::NotFound if !folder.is_dir() => format!("its folder {} does not exist", folder.display()),
        io::ErrorKind::NotFound if program.exists() => format!(
            "{shown} is there, but not what runs it: the interpreter that its first line names, or the loader of its \
             libraries"
        ),
        io::ErrorKind::NotFound => format!("{shown} does not exist"),
        io::ErrorKind::PermissionDenied => format!("{shown} may not be executed"),
        _ if error.raw_os_error() == Some(NO_PROGRAM) => {
            format!("{shown} is no program of this machine; a script begins with a line such as #!/bin/sh")
        }
        _ => format!("{shown}: {}", why(error)),
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_file_and_a_name_is_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("notes"), "").unwrap();
        let said = |program: &str| find(program, directory.path()).unwrap_err();
        assert!(said("./greeter").contains("/greeter does not exist; build it first"));
        assert!(said("./notes").contains("notes is no program"));
        assert!(said("no-such-program-anywhere").contains("beside sky or in PATH"));
        assert!(find("sh", directory.path()).unwrap().ends_with("sh"));
        assert_eq!(find("/bin/sh", directory.path()).unwrap(), Path::new("/bin/sh"));
    }

    #[test]
    fn a_program_that_the_system_does_not_start_is_told_from_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run");
        let why = |folder: &Path| {
            let error = std::process::Command::new(&path).current_dir(folder).spawn().unwrap_err();
            refused(&path, folder, &error)
        };
        let here = directory.path();
        assert_eq!(why(here), format!("{} does not exist", path.display()));
        for (text, mode, end) in [
            ("#!/no/such/interpreter\n", 0o755, "that its first line names, or the loader of its libraries"),
            ("#!/bin/sh\n", 0o644, "may not be executed"),
            ("\0", 0o755, "a script begins with a line such as #!/bin/sh"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let said = why(here);
            assert!(said.starts_with(&path.display().to_string()) && said.ends_with(end), "{said}");
        }
        let nowhere = here.join("nowhere");
        assert_eq!(why(&nowhere), format!("its folder {} does not exist", nowhere.display()));
    }
}
