//! Where a project comes to lie: the Cargo workspace around it, if there is one.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use toml::{Table, Value};

use super::origin::Origin;

/// The workspace around a folder.
#[derive(Debug)]
pub(super) struct Workspace {
    root: PathBuf,
    members: Vec<String>,
    skyloom: Option<Table>,
}

/// The folder that an absolute path means, which need not exist: without `..`, and without links as far as it does.
pub(super) fn real(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            other => {
                real.push(other);
                real = real.canonicalize().unwrap_or(real);
            }
        }
    }
    real
}

/// Whether Cargo, started in this folder, sees a project above it.
pub(super) fn is_within_cargo_project(folder: &Path) -> bool {
    folder.ancestors().any(|folder| folder.join("Cargo.toml").exists())
}

/// Whether the folder, or one above it, is a Git repository.
pub(super) fn is_within_repository(folder: &Path) -> bool {
    folder.ancestors().any(|folder| folder.join(".git").exists())
}

impl Workspace {
    /// The nearest workspace above a folder.
    pub(super) fn around(folder: &Path) -> Option<Self> {
        folder.ancestors().skip(1).find_map(|root| {
            let workspace = manifest(root)?.remove("workspace")?;
            let members = workspace.get("members").and_then(Value::as_array).into_iter().flatten();
            let members = members.filter_map(Value::as_str).map(str::to_owned).collect();
            let skyloom = workspace.get("dependencies").and_then(|all| all.get("skyloom")?.as_table()).cloned();
            Some(Self { root: root.to_owned(), members, skyloom })
        })
    }

    /// Where its members get skyloom from, if it says so.
    pub(super) fn origin(&self) -> Option<Origin> {
        let table = self.skyloom.as_ref()?;
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        if let Some(path) = text("path") {
            let checkout = self.root.join(path.strip_suffix("crates/skyloom")?);
            return Origin::new("path", checkout.to_str()?, "").ok();
        }
        let way = if table.contains_key("git") { "git" } else { "version" };
        Origin::new(way, text(way)?, text("tag").unwrap_or_default()).ok()
    }

    /// The broker's URL in the configuration that its processes are started with, if that names one.
    pub(super) fn broker(&self) -> Option<String> {
        let table = table(&self.root.join("skyloom.toml"))?;
        Some(table.get("default")?.get("broker")?.as_str()?.to_owned())
    }

    /// Its cluster file, if it has one, and what is in it, if that can be read.
    pub(super) fn cluster_file(&self) -> Option<(PathBuf, Option<Table>)> {
        let path = self.root.join("cluster.toml");
        path.exists().then(|| (path.clone(), table(&path)))
    }

    /// Its own manifest.
    pub(super) fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    /// The folder of the package of this name, if it has one.
    pub(super) fn package(&self, name: &str) -> Option<PathBuf> {
        self.folders().into_iter().find(|folder| {
            let manifest = manifest(folder);
            let package = manifest.as_ref().and_then(|manifest| manifest.get("package")?.get("name")?.as_str());
            package == Some(name)
        })
    }

    /// How a folder is to be listed among its members; none if it is one already.
    pub(super) fn missing(&self, folder: &Path) -> Option<String> {
        let path = folder.strip_prefix(&self.root).ok()?.to_str()?;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let covers = |member: &String| match member.strip_suffix('*') {
            Some(start) => start.trim_end_matches('/') == parent,
            None => member == path,
        };
        (!self.members.iter().any(covers)).then(|| path.to_owned())
    }

    /// The folders of its members; a star stands for every folder there.
    fn folders(&self) -> Vec<PathBuf> {
        let folders = |member: &String| match member.strip_suffix('*') {
            Some(start) => {
                let entries = fs::read_dir(self.root.join(start)).into_iter().flatten();
                entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
            }
            None => vec![self.root.join(member)],
        };
        self.members.iter().flat_map(folders).collect()
    }
}

fn manifest(folder: &Path) -> Option<Table> {
    table(&folder.join("Cargo.toml"))
}

fn table(file: &Path) -> Option<Table> {
    toml::from_str(&fs::read_to_string(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_knows_its_members() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = ['services/*', 'contracts']\n").unwrap();
        assert!(Workspace::around(&root.join("x")).unwrap().origin().is_none());
        for (folder, name) in [("services/qr", "qr"), ("contracts", "shop-contracts")] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("Cargo.toml"), format!("[package]\nname = '{name}'\n")).unwrap();
        }
        let workspace = Workspace::around(&root.join("services/orders")).unwrap();
        assert_eq!(workspace.package("qr"), Some(root.join("services/qr")));
        assert_eq!(workspace.package("shop-contracts"), Some(root.join("contracts")));
        assert_eq!(workspace.package("orders"), None);
        assert_eq!(workspace.missing(&root.join("services/orders")), None);
        assert_eq!(workspace.missing(&root.join("orders")).as_deref(), Some("orders"));
        assert_eq!(workspace.missing(&root.join("contracts")), None);
        assert!(is_within_cargo_project(&root.join("services/orders")));
    }

    #[test]
    fn what_is_around_a_folder_is_around_where_it_really_is() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        for (path, folder) in [
            ("a/../shop", "shop"),
            ("./a/b/../../shop", "shop"),
            ("link/../shop", "a/shop"),
            ("new/../shop/new", "shop/new"),
        ] {
            assert_eq!(real(&root.join(path)), root.join(folder), "{path}");
        }
    }

    #[test]
    fn new_members_get_skyloom_from_where_the_others_do() {
        let directory = tempfile::tempdir().unwrap();
        let origin = |skyloom: &str| {
            let text = format!("[workspace]\nmembers = []\n[workspace.dependencies]\nskyloom = {skyloom}\n");
            fs::write(directory.path().join("Cargo.toml"), text).unwrap();
            Workspace::around(&directory.path().join("orders")).unwrap().origin()
        };
        assert_eq!(origin("{ git = 'https://a', branch = 'x' }"), "git=https://a".parse().ok());
        assert_eq!(origin("{ git = 'https://a', tag = 'v1' }"), "git=https://a#v1".parse().ok());
        assert_eq!(origin("{ version = '0.1' }"), "version=0.1".parse().ok());
        assert_eq!(origin("{ path = '/srv/skyloom/crates/skyloom' }"), "path=/srv/skyloom/".parse().ok());
        let here = format!("path={}/", directory.path().display());
        assert_eq!(origin("{ path = 'crates/skyloom' }"), here.parse().ok());
    }
}
