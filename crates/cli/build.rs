//! Puts `templates/` into `sky`, so that `sky new` needs nothing but itself.

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let templates = manifest.join("../../templates").canonicalize()?;
    writeln!(io::stdout(), "cargo:rerun-if-changed={}", templates.display())?;
    let mut table = String::from("static TEMPLATES: &[Template] = &[\n");
    for folder in sorted(&templates)?.into_iter().filter(|path| path.join("cargo-generate.toml").is_file()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        table += &format!("    Template {{\n        name: {name:?},\n        files: &[\n");
        write_files(&folder, &folder, &mut table)?;
        table += "        ],\n    },\n";
    }
    table += "];\n";
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out_dir.join("templates.rs"), table)
}

/// A row of the table for each file below `folder`.
fn write_files(root: &Path, folder: &Path, table: &mut String) -> io::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            write_files(root, &path, table)?;
            continue;
        }
        let relative = path.strip_prefix(root).map_err(io::Error::other)?;
        let executable = fs::metadata(&path)?.permissions().mode() & 0o111 != 0;
        *table += &format!(
            "            File {{ path: {:?}, text: include_str!({:?}), executable: {executable} }},\n",
            relative.to_string_lossy(),
            path.to_string_lossy(),
        );
    }
    Ok(())
}

/// What is in a folder, always in the same order.
fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
