//! Where the program of a command is.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::place::absolute;

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
}
