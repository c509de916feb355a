//! Runs the commands of a page.

use std::{fs, thread, time::Duration};

use tokio::time::Instant;

use super::{expected::agrees, ground::Ground, session::Session};
use crate::{
    elsewhere::is_done_elsewhere,
    excuses::excused,
    page::{Block, Page, pages},
};

/// Commands that change nothing.
const LOOKS: [&str; 7] =
    ["sky dead list", "sky dead show", "sky instances", "sky queues", "sky services", "svstat", "tai64nlocal"];

/// The page whose commands want supervisors, which are not on every machine.
pub(super) const SUPERVISORS: &str = "docs/supervising.md";

/// How long what is shown may take to come about.
const LONGEST: Duration = Duration::from_secs(20);

/// A command of a block, and what the page says that it prints, if it says something.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    shown: Option<String>,
}

/// The commands of a block.
fn steps(block: &Block) -> Vec<Step> {
    if block.language == "sh" {
        return scripts(&block.code).into_iter().map(|command| Step { command, shown: None }).collect();
    }
    let mut steps: Vec<Step> = Vec::new();
    for line in block.code.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: Some(String::new()) }),
            (None, Some(Step { command, shown: Some(shown) })) if shown.is_empty() && line.starts_with("> ") => {
                command.push('\n');
                command.push_str(&line[2..]);
            }
            (None, Some(Step { shown: Some(shown), .. })) => {
                shown.push_str(line);
                shown.push('\n');
            }
            _ => panic!("line {}: a console begins with a line that begins with `$ `", block.line),
        }
    }
    steps
}

/// The commands of a script: a line each, or several lines where one is not finished.
fn scripts(code: &str) -> Vec<String> {
    let (mut commands, mut open, mut ends) = (Vec::new(), String::new(), None::<String>);
    for line in code.lines() {
        open.push_str(line);
        if let Some(mark) = &ends {
            if line == mark {
                ends = None;
            }
        } else if let Some((_, mark)) = line.split_once("<<") {
            ends = Some(mark.split_whitespace().next().unwrap_or_default().trim_matches(['\'', '"', '-']).to_owned());
        }
        let quotes = open.matches('\'').count() % 2;
        if ends.is_some() || line.ends_with('\\') || quotes == 1 {
            open.push('\n');
            continue;
        }
        let command = std::mem::take(&mut open);
        if !command.trim().is_empty() && !command.trim().starts_with('#') {
            commands.push(command);
        }
    }
    assert!(open.is_empty(), "a command does not end: {open}");
    commands
}

/// A page in its shell.
struct Running<'a> {
    page: &'a Page,
    session: Session,
    ground: Ground,
    /// The code of the link that was shortened last: what a page calls CODE.
    code: String,
}

impl Running<'_> {
    fn block(&mut self, block: &Block) {
        match block.note.split_once(':') {
            _ if block.note == "cluster" => self.ground.start_cluster(),
            _ if block.note == "no cluster" => self.ground.end_cluster(),
            Some(("background", until)) => return self.background(block, until.trim()),
            _ => {}
        }
        let steps = steps(block);
        for (index, step) in steps.iter().enumerate() {
            if excused(&self.page.path, &step.command).is_some() {
                continue;
            }
            let may_fail = steps.get(index + 1).is_some_and(|next| next.command == "echo $?");
            if let Err(mistake) = self.step(step, may_fail) {
                panic!("{}: {mistake}", self.page.place(block));
            }
        }
    }

    /// Runs a command and compares. What only looks is asked again until it shows what the page shows: work
    /// takes its time, and how long is not what a page is about.
    fn step(&mut self, step: &Step, may_fail: bool) -> Result<(), String> {
        let command = &step.command;
        let only_looks = step.shown.is_some() && LOOKS.iter().any(|known| command.starts_with(known));
        let deadline = Instant::now() + LONGEST;
        loop {
            let (code, printed) = self.run(command);
            let result = match &step.shown {
                _ if code != 0 && !may_fail => Err(format!("`{command}` ends with {code}; it printed:\n{printed}")),
                Some(shown) if !agrees(shown, &printed) => {
                    Err(format!("`{command}` prints\n{printed}\nand not\n{shown}"))
                }
                _ => Ok(()),
            };
            if result.is_ok() || !only_looks || Instant::now() > deadline {
                return result;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn run(&mut self, command: &str) -> (i32, String) {
        let mut command = command.replace("CODE", &self.code);
        if command.contains("INSTANCE") {
            command = command.replace("INSTANCE", &self.instance());
        }
        // The job is a shell that waits for the program.
        command = command.replace("PID", "$(cat /proc/$!/task/$!/children)");
        let command = self.ground.command(&command);
        let (code, printed) = self.session.run(&command);
        if let Some((_, rest)) = printed.split_once("\"code\":").filter(|_| printed.contains("shortUrl")) {
            self.code = rest.split('"').nth(1).unwrap_or_default().to_owned();
        }
        (code, self.ground.printed(&printed))
    }

    /// What a page calls INSTANCE: one of the greeter's.
    fn instance(&mut self) -> String {
        let (_, listed) = self.session.run("sky instances --service greeter.v1 --json");
        let listed: serde_json::Value =
            serde_json::from_str(&listed).unwrap_or_else(|error| panic!("{error}: {listed}"));
        listed[0]["id"].as_str().unwrap().to_owned()
    }

    /// Starts a block that runs on, and waits until it has printed the text.
    fn background(&mut self, block: &Block, until: &str) {
        let command = self.ground.command(block.code.trim().trim_start_matches("$ "));
        let (file, place) = (format!("background-{}.log", block.line), self.page.place(block));
        let log = format!("\"$TMPDIR/{file}\"");
        let code = self.session.begin(&command, &log);
        assert_eq!(code, 0, "{place}: it does not start");
        if until.is_empty() {
            return;
        }
        let wait = format!("for _ in $(seq 1200); do grep -qF -- '{until}' {log} && exit 0; sleep 0.05; done; exit 1");
        let (code, _) = self.session.run(&format!("( {wait} )"));
        let (_, said) = self.session.run(&format!("cat {log}"));
        assert_eq!(code, 0, "{place}: it does not say {until:?}; it said:\n{said}");
    }
}

pub(super) fn run(page: &Page) {
    let ground = Ground::new();
    let work = ground.work();
    let session = Session::start(&work, &ground.environment());
    let mut running = Running { page, session, ground, code: "CODE".to_owned() };
    for block in &page.blocks {
        match block.language.as_str() {
            "sh" | "console" => running.block(block),
            // A file that the commands after it use.
            _ if block.name.ends_with(".toml") && block.name != "Cargo.toml" => {
                fs::write(work.join(&block.name), running.ground.command(&block.code)).unwrap();
            }
            _ => {}
        }
    }
}

#[test]
fn the_commands_of_every_page_do_what_it_says() {
    let mut failed = Vec::new();
    let here =
        |page: &&Page| page.has(&["sh", "console"]) && !is_done_elsewhere(&page.path) && page.path != SUPERVISORS;
    for page in pages().iter().filter(here) {
        // Each page is tried, so that one run shows the mistakes of all.
        if std::panic::catch_unwind(|| run(page)).is_err() {
            failed.push(page.path.clone());
        }
    }
    assert!(failed.is_empty(), "see above for what is wrong in {}", failed.join(", "));
}

#[test]
fn a_wrong_command_is_found() {
    let fails = |text: &str| {
        let page = Page::new("docs/wrong.md", text);
        std::panic::catch_unwind(|| run(&page)).is_err()
    };
    assert!(fails("```sh\nsky nonsense\n```\n"));
    assert!(fails("```sh\nfalse\ntrue\n```\n"));
    assert!(fails("```console\n$ sky --version\nsky 0.0.0\n```\n"));
    assert!(fails("```console\n$ echo a\n```\n"), "what it prints is not shown");
    assert!(!fails("```console\n$ sky nonsense 2> /dev/null\n$ echo $?\n2\n```\n"));
    assert!(fails(&"<!-- cluster -->\n```sh\ntrue\n```\n".repeat(2)), "one cluster at a time");
    assert!(!fails("```toml cluster.toml\n[broker]\n```\n```sh\ngrep -q broker cluster.toml\n```\n"));
}

#[test]
fn commands_are_taken_apart() {
    let console = Block { language: "console".to_owned(), code: "$ a\nb\n$ c\n> d\n".to_owned(), ..Block::default() };
    let step = |command: &str, shown: &str| Step { command: command.to_owned(), shown: Some(shown.to_owned()) };
    assert_eq!(steps(&console), [step("a", "b\n"), step("c\nd", "")]);
    assert_eq!(
        scripts("a \\\n  b\n\n# c\nd <<'END'\ne\nEND\nf 'g\nh'\n"),
        ["a \\\n  b", "d <<'END'\ne\nEND", "f 'g\nh'"]
    );
}
