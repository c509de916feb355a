//! What a cluster file still needs, so that a new package is a part of the cluster.

use std::path::Path;

use toml::Table;

use crate::text::shell_word;

/// What of a cluster file says which gateway it runs, with what.
const PROGRAM: [&str; 5] = ["package", "source", "bin", "args", "command"];

/// What to add so that a service is one of the cluster; nothing if one of its name is.
pub(super) fn service_entry(name: &str, file: &Path, cluster: &Table) -> Option<String> {
    if cluster.get("services").is_some_and(|services| services.get(name).is_some()) {
        return None;
    }
    Some(format!("add its entry to {}:\n\n[services.{name}]\npackage = \"{name}\"\n", file.display()))
}

/// What to add so that a gateway is that of the cluster; nothing if it is already.
pub(super) fn gateway_entry(name: &str, file: &Path, cluster: &Table) -> Option<String> {
    let (file, line) = (file.display(), format!("package = \"{name}\"\n"));
    let Some(gateway) = cluster.get("gateway") else {
        return Some(format!("add its entry to {file}:\n\n[gateway]\n{line}port = 8080\n"));
    };
    if gateway.get("package").is_some_and(|package| package.as_str() == Some(name)) {
        return None;
    }
    let others = PROGRAM.into_iter().filter(|key| gateway.get(key).is_some());
    let others: Vec<_> = others.map(|key| format!("`{key}`")).collect();
    let place = match others.as_slice() {
        [] => "instead of `sky gateway`".to_owned(),
        others => format!("in the place of {}", others.join(" and ")),
    };
    Some(format!("write this into [gateway] of {file}, {place}:\n\n{line}"))
}

/// What to do where the cluster file is no TOML, so that nobody can tell what it lacks.
pub(super) fn entry_of_broken(part: &str, name: &str, file: &Path) -> String {
    let (file, typed) = (file.display(), shell_word(&file.display().to_string()));
    format!(
        "{file} is no TOML, so whether it has an entry is not known: mend it (`sky up {typed} --check` says where), and see \
         that it has\n\n[{part}]\npackage = \"{name}\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(cluster: &str) -> Option<String> {
        gateway_entry("edge", Path::new("cluster.toml"), &cluster.parse().unwrap())
    }

    #[test]
    fn a_gateway_takes_the_place_of_the_one_there_is() {
        let line = "package = \"edge\"\n";
        let cases = [
            ("[broker]\n", "add its entry to cluster.toml:\n\n[gateway]\npackage = \"edge\"\nport = 8080\n".to_owned()),
            (
                "[gateway]\nport = 80\n",
                format!("write this into [gateway] of cluster.toml, instead of `sky gateway`:\n\n{line}"),
            ),
            (
                "[gateway]\ncommand = ['gate']\n",
                format!("write this into [gateway] of cluster.toml, in the place of `command`:\n\n{line}"),
            ),
        ];
        let several = gateway("[gateway]\npackage = 'front'\nbin = 'frontd'\n").unwrap();
        assert!(several.contains(" of cluster.toml, in the place of `package` and `bin`:\n"), "{several}");
        for (cluster, sentence) in cases {
            assert_eq!(gateway(cluster), Some(sentence), "{cluster}");
        }
        assert_eq!(gateway("[gateway]\npackage = 'edge'\n"), None);
    }

    #[test]
    fn a_service_is_told_of_once() {
        let entry = |cluster: &str| service_entry("qr", Path::new("cluster.toml"), &cluster.parse().unwrap());
        assert!(
            entry("[services.links]\n").is_some_and(|said| said.ends_with("\n\n[services.qr]\npackage = \"qr\"\n"))
        );
        assert_eq!(entry("[services.qr]\n"), None);
    }
}
