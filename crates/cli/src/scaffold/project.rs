//! A new project: from a template and its values to files in a folder.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    broker::{self, is_embedded},
    entry::{entry_of_broken, gateway_entry, service_entry},
    library::Template,
    recipe::{FILE, Recipe},
    surroundings::{Workspace, is_within_cargo_project, is_within_repository},
    template::render,
    value::Values,
};
use crate::text::why;

/// What a template's file ends with if it is to be rendered; `cargo generate` takes it off, too.
const SUFFIX: &str = ".liquid";

/// The mode of a program.
const EXECUTABLE: u32 = 0o755;

/// How many names of a folder that is not empty are shown.
const SHOWN: usize = 3;

/// A project that is ready to be written.
#[derive(Debug)]
pub(super) struct Project {
    name: String,
    template: &'static str,
    folder: PathBuf,
    files: Vec<Made>,
    workspace: Option<Workspace>,
}

#[derive(Debug)]
struct Made {
    path: String,
    text: String,
    executable: bool,
}

impl Project {
    /// Renders a template for a folder, which must not exist or be empty. Without a word where skyloom comes from, or
    /// which broker it is, that is as in the workspace around the folder.
    ///
    /// # Errors
    /// A value that the template does not know, or a folder that is taken.
    pub(super) fn new(template: &Template, name: &str, folder: PathBuf, mut values: Values) -> Result<Self, String> {
        check_empty(&folder)?;
        let workspace = Workspace::around(&folder);
        if let Some(workspace) = &workspace {
            if template.name == "workspace" {
                let around = workspace.manifest();
                let why = "a workspace cannot be within another: choose another place with --dir";
                return Err(format!("{} is a workspace, and {why}", around.display()));
            }
            prepare_member(workspace, name, &mut values)?;
        }
        let broken = |path: &str, why: String| format!("the template {}/{path} is broken: {why}", template.name);
        let recipe = template.text(FILE).ok_or_else(|| broken(FILE, "it is missing".to_owned()))?;
        let recipe = Recipe::parse(recipe).map_err(|why| broken(FILE, why))?;
        let ignored = recipe.settle(&mut values)?;
        values.insert("project-name".to_owned(), name.into());
        values.insert("crate_name".to_owned(), name.replace('-', "_").as_str().into());
        values.insert("within_cargo_project".to_owned(), is_within_cargo_project(&folder).into());
        let mut files = Vec::new();
        for file in template.files {
            let path = file.path.strip_suffix(SUFFIX).unwrap_or(file.path);
            let is_ignored = |ignored: &String| Path::new(path).starts_with(ignored);
            if path == FILE || ignored.iter().any(is_ignored) {
                continue;
            }
            let rendered = |text| render(text, &values).map_err(|why| broken(file.path, why));
            files.push(Made { path: rendered(path)?, text: rendered(file.text)?, executable: file.executable });
        }
        Ok(Self { name: name.to_owned(), template: template.name, folder, files, workspace })
    }

    /// Writes the files, and makes the folder a Git repository unless it is in one. What cannot be written whole is
    /// removed again, so that it can be tried once more.
    ///
    /// # Errors
    /// The file that cannot be written, and why.
    pub(super) fn write(&self) -> Result<(), String> {
        let was_there = self.folder.exists();
        fs::create_dir_all(&self.folder).map_err(|error| {
            format!("cannot make the folder {}: {}; choose another with --dir", self.folder.display(), why(&error))
        })?;
        for file in &self.files {
            let path = self.folder.join(&file.path);
            if let Err(error) = write(&path, file) {
                self.remove(was_there);
                return Err(format!("cannot write {}: {}", path.display(), why(&error)));
            }
        }
        if !is_within_repository(&self.folder) {
            let mut git = Command::new("git");
            git.args(["init", "--quiet"]).current_dir(&self.folder);
            // Whoever has no Git can do without.
            drop(git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
        Ok(())
    }

    /// Removes what was written, and of the folders what is empty then. What cannot be removed stays: of what is in the
    /// way there is a better sentence already.
    fn remove(&self, keeps_folder: bool) {
        for file in &self.files {
            let path = self.folder.join(&file.path);
            drop(fs::remove_file(&path));
            let within = |folder: &&Path| folder.starts_with(&self.folder) && **folder != self.folder;
            for folder in path.ancestors().skip(1).take_while(within) {
                drop(fs::remove_dir(folder));
            }
        }
        if !keeps_folder {
            drop(fs::remove_dir(&self.folder));
        }
    }

    /// What the workspace around it still has to be told.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(workspace) = &self.workspace else { return Vec::new() };
        let member = workspace.missing(&self.folder).map(|member| {
            format!("add {member:?} to the members of the workspace in {}", workspace.manifest().display())
        });
        let entry = workspace.cluster_file().and_then(|(file, table)| match (self.template, table) {
            ("service", Some(table)) => service_entry(&self.name, &file, &table),
            ("gateway", Some(table)) => gateway_entry(&self.name, &file, &table),
            ("service", None) => Some(entry_of_broken(&format!("services.{}", self.name), &self.name, &file)),
            ("gateway", None) => Some(entry_of_broken("gateway", &self.name, &file)),
            _ => None,
        });
        member.into_iter().chain(entry).collect()
    }
}

/// Checks that a workspace has no package of this name, and takes over its broker and where it has skyloom from.
fn prepare_member(workspace: &Workspace, name: &str, values: &mut Values) -> Result<(), String> {
    if let Some(taken) = workspace.package(name) {
        return Err(format!("there is a package {name:?} in {} already: choose another name", taken.display()));
    }
    if let (Some(broker), false) = (workspace.broker(), values.contains_key("broker")) {
        // Where an embedded broker listens is the cluster's.
        let broker = if is_embedded(&broker) { "local" } else { broker.as_str() };
        broker::add_to(values, broker).map_err(|why| format!("the workspace's broker: {why}"))?;
    }
    match workspace.origin() {
        Some(origin) if !values.contains_key("skyloom") => origin.add_to(values, Path::new("/")),
        _ => Ok(()),
    }
}

fn write(path: &Path, file: &Made) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, &file.text)?;
    if file.executable {
        fs::set_permissions(path, fs::Permissions::from_mode(EXECUTABLE))?;
    }
    Ok(())
}

/// Nothing is ever overwritten.
fn check_empty(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(format!("{shown} is there already, and no folder: choose another with --dir"));
        }
        Err(error) => return Err(format!("cannot look into {shown}: {}", why(&error))),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        // A folder that was made with `git init` is as good as empty.
        .filter(|name| name != ".git")
        .collect();
    names.sort();
    if names.is_empty() {
        return Ok(());
    }
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    names.truncate(SHOWN);
    Err(format!("{shown} is not empty, it has {}{more}: choose another with --dir", names.join(", ")))
}
