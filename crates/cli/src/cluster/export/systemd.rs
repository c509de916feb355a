//! Units for systemd: a target, sockets, and a service or a template of services for each part.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use skyloom::{config::FILE_VARIABLE, embedded::Address};

use super::{
    super::plan::{BROKER_VARIABLE, Part, REGISTRY_VARIABLE, Spec},
    pieces::{OPEN_FILES, Pieces, Role},
    stale,
    tree::Tree,
};
use crate::failure::Failure;

/// What a service of ours needs nothing of: systemd.exec(5).
const HARDENING: &str = "\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
";

/// What only the system's own manager may take away: one of a user cannot start a service with these (218/CAPABILITIES).
const RIGHTS: &str = "\
CapabilityBoundingSet=
PrivateDevices=yes
";

/// What a service of ours tells systemd: that it is ready, and that it lives.
const NOTIFYING: &str = "\
Type=notify
NotifyAccess=main
WatchdogSec=30
";

/// What the line begins with that says which services there are.
const WANTS: &str = "Wants=";

/// How a service lives. A mistake in the configuration (2) is not mended by starting anew; anything else is,
/// however often. The drain time is 20 s unless it is configured, and the process itself asks for more.
const LIFE: &str = "\
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
RestartPreventExitStatus=2
TimeoutStartSec=60
TimeoutStopSec=30
";

/// The name of a part's units, without what they end with.
fn unit(pieces: &Pieces<'_>, part: &Part) -> String {
    format!("{}-{}", pieces.name, part.name)
}

/// The file of a part's service.
fn service_file(pieces: &Pieces<'_>, part: &Part, role: Role) -> String {
    format!("{}{}.service", unit(pieces, part), if role == Role::Service { "@" } else { "" })
}

/// The file with the secrets of a part's service.
fn secret_file(pieces: &Pieces<'_>, part: &Part) -> String {
    format!("{}/{}.env", pieces.name, unit(pieces, part))
}

/// Where the arguments of a part are, and where its secrets.
pub(super) fn places(pieces: &Pieces<'_>, part: &Part) -> [String; 2] {
    [service_file(pieces, part, super::pieces::role(part)), secret_file(pieces, part)]
}

/// The units of a cluster.
pub(super) fn units(pieces: &Pieces<'_>) -> Tree {
    let mut tree = Tree::default();
    let mut wanted = Vec::new();
    for (part, role, spec) in pieces.parts() {
        let unit = unit(pieces, part);
        match role {
            Role::Broker => {
                if let Some(address) = pieces.broker() {
                    tree.file(format!("{unit}.socket"), socket(pieces, &unit, &listen(pieces, address)));
                }
            }
            Role::Gateway => {
                if let Some(address) = part.held {
                    tree.file(format!("{unit}.socket"), socket(pieces, &unit, &address.to_string()));
                }
            }
            Role::Service => {}
        }
        wanted.extend(instances(pieces, part, role));
        let file = service_file(pieces, part, role);
        let (text, secrets) = service(pieces, part, role, spec);
        tree.file(file, text);
        if !secrets.is_empty() {
            tree.secret(secret_file(pieces, part), format!("{}\n{secrets}", mark(pieces)));
        }
    }
    let target = format!(
        "{}\n[Unit]\nDescription=All of {}\n{WANTS}{}\n\n[Install]\nWantedBy=multi-user.target default.target\n",
        mark(pieces),
        pieces.name,
        wanted.join(" ")
    );
    tree.file(target_file(pieces), target);
    tree
}

fn target_file(pieces: &Pieces<'_>) -> String {
    format!("{}.target", pieces.name)
}

fn mark(pieces: &Pieces<'_>) -> String {
    stale::mark(pieces.name, "systemd")
}

/// What an earlier writing has left to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    /// The units that the cluster has no more, and that may still run.
    pub(super) units: Vec<String>,
    /// The files that it has no more, which are removed, by their paths in the directory.
    pub(super) files: Vec<PathBuf>,
    /// The units that may still run as they were.
    pub(super) changed: Vec<String>,
}

/// What an earlier writing has in the directory. It has to be asked before the new one is written. The units that the
/// cluster has no more are told by its target.
pub(super) fn earlier(pieces: &Pieces<'_>, tree: &Tree, directory: &Path) -> Earlier {
    let earlier = fs::read_to_string(directory.join(target_file(pieces))).unwrap_or_default();
    let is_ours = earlier.lines().any(|line| line == mark(pieces));
    let wanted = earlier.lines().filter(|_| is_ours).find_map(|line| line.strip_prefix(WANTS)).unwrap_or_default();
    let now: Vec<String> = pieces.parts().flat_map(|(part, role, _)| instances(pieces, part, role)).collect();
    let mut units: Vec<String> =
        wanted.split_whitespace().filter(|unit| !now.iter().any(|known| known == unit)).map(str::to_owned).collect();
    let places = [Path::new(""), Path::new(pieces.name)];
    let files: Vec<PathBuf> =
        places.into_iter().flat_map(|folder| stale::files(tree, directory, folder, &mark(pieces))).collect();
    let sockets = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "socket"));
    units.extend(sockets.map(|path| path.display().to_string()));
    Earlier { units, files, changed: changed(pieces, &tree.changes(directory, running)) }
}

/// The units of which one of these files is to be another. Of a target, what it wants is no concern of what runs.
fn changed(pieces: &Pieces<'_>, files: &[PathBuf]) -> Vec<String> {
    let has = |path: &String| files.iter().any(|file| file == Path::new(path));
    let of_part = pieces.parts().flat_map(|(part, role, _)| {
        let socket = format!("{}.socket", unit(pieces, part));
        let of_service = [service_file(pieces, part, role), secret_file(pieces, part), socket.clone()];
        let services = if of_service.iter().any(has) { instances(pieces, part, role) } else { Vec::new() };
        has(&socket).then_some(socket).into_iter().chain(services)
    });
    of_part.collect()
}

/// What of a file concerns what runs: of a unit all that comes after its order among the others.
fn running(text: &str) -> &str {
    ["\n[Service]\n", "\n[Socket]\n"].into_iter().find_map(|start| text.find(start)).map_or(text, |at| &text[at..])
}

/// Removes these files.
///
/// # Errors
/// The first that cannot be removed.
pub(super) fn sweep(earlier: &Earlier, directory: &Path) -> Result<(), Failure> {
    earlier.files.iter().try_for_each(|path| stale::remove(&directory.join(path)))
}

/// The services that a part consists of, by their units.
fn instances(pieces: &Pieces<'_>, part: &Part, role: Role) -> Vec<String> {
    let unit = unit(pieces, part);
    match role {
        Role::Service => (1..=part.processes.len()).map(|number| format!("{unit}@{number}.service")).collect(),
        Role::Broker | Role::Gateway => vec![format!("{unit}.service")],
    }
}

fn socket(pieces: &Pieces<'_>, unit: &str, listen: &str) -> String {
    let mut text = format!(
        "{}\n[Unit]\nDescription=The socket of {unit}\nPartOf={}.target\n\n[Socket]\n\
         ListenStream={listen}\nBacklog=4096\nSocketMode=0600\nDirectoryMode=0755\n",
        mark(pieces),
        pieces.name
    );
    if let Some(user) = pieces.user {
        // Writing to a string does not fail.
        let _ = writeln!(text, "SocketUser={user}");
    }
    text
}

/// A service's unit, and what of its environment is secret.
fn service(pieces: &Pieces<'_>, part: &Part, role: Role, spec: &Spec) -> (String, String) {
    let unit = unit(pieces, part);
    let instance = if role == Role::Service { ", instance %i" } else { "" };
    let earlier = pieces.plan.parts.iter().filter(|earlier| part.after.contains(&earlier.name));
    let after: Vec<String> = earlier.flat_map(|part| instances(pieces, part, super::pieces::role(part))).collect();
    let mut text = format!(
        "{}\n[Unit]\nDescription={} of {}{instance}\nPartOf={2}.target\nStartLimitIntervalSec=0\n",
        mark(pieces),
        part.name,
        pieces.name
    );
    let listens_itself = role == Role::Gateway && part.held.is_none();
    if role != Role::Service && !listens_itself {
        let _ = writeln!(text, "Requires={unit}.socket\nAfter={unit}.socket");
    }
    if !after.is_empty() {
        let _ = writeln!(text, "Wants={0}\nAfter={0}", after.join(" "));
    }
    // Such a program may know nothing of supervisors.
    let kind = if listens_itself { "Type=exec\n" } else { NOTIFYING };
    let _ = write!(text, "\n[Service]\n{kind}{LIFE}LimitNOFILE={OPEN_FILES}\n");
    let _ = writeln!(text, "ExecStart={}", command(pieces, role, spec));
    let _ = writeln!(text, "WorkingDirectory={}", escaped(&spec.directory.display().to_string()));
    let mut secrets = String::new();
    for (variable, value) in &spec.environment {
        if is_public(pieces, variable, value) {
            let value = moved(pieces, value);
            let _ = writeln!(text, "Environment={}", quoted(&format!("{variable}={value}")));
        } else {
            let _ = writeln!(secrets, "{variable}={}", in_file(value));
        }
    }
    if !secrets.is_empty() {
        let _ = writeln!(
            text,
            "# Its place is /etc/{0}, or ~/.config/{0} for a unit of a user.\nEnvironmentFile=%E/{0}/{unit}.env",
            pieces.name
        );
    }
    if let Some(user) = pieces.user {
        let _ = writeln!(text, "User={user}");
        text.push_str(RIGHTS);
    }
    if role == Role::Broker {
        let _ = writeln!(text, "# What waits is kept here over a planned restart.\n{}", keeping(pieces, spec));
    }
    text.push_str(HARDENING);
    if !uses_tmp(pieces, spec) {
        text.push_str("PrivateTmp=yes\n");
    }
    (text, secrets)
}

fn command(pieces: &Pieces<'_>, role: Role, spec: &Spec) -> String {
    let mut words = vec![quoted(&escaped(&spec.program.display().to_string()))];
    for argument in &spec.arguments {
        words.push(quoted(&moved(pieces, argument).replace('$', "$$")));
    }
    if role == Role::Broker && snapshot(spec).is_none() {
        words.extend(["--snapshot".to_owned(), quoted(&format!("%S/{}/broker.snapshot", pieces.name))]);
    }
    words.join(" ")
}

/// Where the cluster file has the broker keep its snapshot.
fn snapshot(spec: &Spec) -> Option<&str> {
    spec.arguments.iter().skip_while(|argument| *argument != "--snapshot").nth(1).map(String::as_str)
}

/// The directory for the snapshot, which the broker may write into: the cluster file's, or one of systemd's making.
fn keeping(pieces: &Pieces<'_>, spec: &Spec) -> String {
    match snapshot(spec).map(Path::new).and_then(Path::parent) {
        Some(directory) => format!("ReadWritePaths={}", quoted(&escaped(&directory.display().to_string()))),
        None => format!("StateDirectory={}", pieces.name),
    }
}

/// Where the broker's socket is: in the directory for sockets of the system or of the user, if the file leaves that
/// open.
fn listen(pieces: &Pieces<'_>, address: &Address) -> String {
    match address {
        Address::Unix(path) if *path == Address::default_path() => format!("%t/{}/broker.sock", pieces.name),
        Address::Unix(path) => escaped(&path.display().to_string()),
        other => other.to_string().trim_start_matches("tcp://").to_owned(),
    }
}

/// Whether a value is the broker's default place.
fn is_moved(pieces: &Pieces<'_>, text: &str) -> bool {
    let is_default = text == "local:" || text == Address::default().to_string();
    is_default && pieces.broker().is_some_and(|address| *address == Address::default())
}

/// The same text, with the broker's default place moved to where its socket unit listens, and with what systemd would
/// replace escaped.
fn moved(pieces: &Pieces<'_>, text: &str) -> String {
    match pieces.broker() {
        Some(address) if is_moved(pieces, text) => format!("unix:{}", listen(pieces, address)),
        _ => escaped(text),
    }
}

/// systemd replaces what follows a percent sign.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word as systemd reads it, in quotes.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A value as systemd reads it from a file of variables, systemd.exec(5): in quotes, where a new line is itself and
/// nothing is replaced.
fn in_file(value: &str) -> String {
    let mut text = String::from("\"");
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | '`' | '$') {
            text.push('\\');
        }
        text.push(letter);
    }
    text + "\""
}

/// Whether a variable may be in a unit, which everybody may read. Where the broker, the registry and the configuration
/// are may be, if that holds no password; of what the cluster file has, nobody but its author knows.
fn is_public(pieces: &Pieces<'_>, variable: &str, value: &str) -> bool {
    let is_ours = [BROKER_VARIABLE, REGISTRY_VARIABLE, FILE_VARIABLE].contains(&variable);
    is_moved(pieces, value) || is_ours && skyloom::config::without_password(value) == value
}

/// Whether something of it is in a directory for temporary files, which a private one would hide.
fn uses_tmp(pieces: &Pieces<'_>, spec: &Spec) -> bool {
    let socket = pieces.plan.embedded.as_ref().map(|embedded| embedded.address.to_string()).unwrap_or_default();
    let moves = pieces.broker().is_some_and(|address| *address == Address::default());
    let socket = (!moves).then(|| PathBuf::from(socket.trim_start_matches("unix:")));
    let places = [spec.program.clone(), spec.directory.clone()].into_iter().chain(socket);
    let files = [snapshot(spec), spec.environment.get(FILE_VARIABLE).map(String::as_str)];
    places
        .chain(files.into_iter().flatten().map(PathBuf::from))
        .any(|place| ["/tmp", "/var/tmp"].iter().any(|temporary| place.starts_with(temporary)))
}
