//! Each block has a check, and passes it.

use crate::{
    compiled,
    elsewhere::{ALL, ELSEWHERE, is_done_elsewhere},
    excuses::{excused, unneeded},
    page::{Block, Page, pages},
    parsed,
};

/// Who checks a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// rustdoc compiles it.
    Compiled,
    /// A parser reads it.
    Parsed,
    /// A shell runs it.
    Run,
    /// A test of the crate that the block is about.
    Elsewhere,
}

fn check_of(page: &str, block: &Block) -> Option<Check> {
    match block.language.as_str() {
        _ if is_done_elsewhere(page) => Some(Check::Elsewhere),
        "rust" => Some(Check::Compiled),
        "toml" | "json" | "proto" => Some(Check::Parsed),
        "sh" | "console" => Some(Check::Run),
        language => {
            let elsewhere = ELSEWHERE.iter().any(|(known, what, _)| (*known, *what) == (page, language));
            let is_excused = block.code.lines().next().is_some_and(|line| excused(page, line).is_some());
            (elsewhere || is_excused).then_some(Check::Elsewhere)
        }
    }
}

fn mistakes(page: &Page) -> Vec<String> {
    let mut mistakes = if is_done_elsewhere(&page.path) { Vec::new() } else { compiled::mistakes(page) };
    for block in &page.blocks {
        match check_of(&page.path, block) {
            Some(Check::Parsed) => mistakes.extend(parsed::check(page, block).err()),
            Some(_) => {}
            None => mistakes.push(format!(
                "{}: no check knows {:?}: use rust, proto, toml, json, sh or console, or say in checks.rs who checks it",
                page.place(block),
                block.language
            )),
        }
    }
    mistakes
}

#[test]
fn every_block_has_a_check_and_what_is_data_is_read() {
    let pages = pages();
    let mut found: Vec<String> = pages.iter().flat_map(mistakes).collect();
    found.extend(unneeded(&pages));
    for (page, language, test) in ELSEWHERE {
        let Some(page) = pages.iter().find(|one| one.path == *page) else { continue };
        let is_used = *language == ALL || page.has(&[*language]);
        if !is_used || !skyloom_testing::programs::root().join(test).is_file() {
            let page = &page.path;
            found.push(format!("checks.rs says that {test} checks {language:?} of {page}; correct that"));
        }
    }
    assert!(found.is_empty(), "{} mistakes\n{}\n", found.len(), found.join("\n"));
}

#[test]
fn what_is_wrong_is_found() {
    let wrong = |text: &str| mistakes(&Page::new("docs/contracts.md", text));
    for (text, part) in [
        ("```python\nx\n```\n", "no check knows \"python\""),
        ("```\nx\n```\n", "no check knows \"\""),
        ("```json\n{\n```\n", "docs/contracts.md:1: "),
        ("```toml skyloom.toml\n[default]\nbrokr = 'local:'\n```\n", "did you mean \"broker\"?"),
        ("```toml cluster.toml\n[gateway]\nprot = 1\n```\n", "did you mean port?"),
        ("```toml\na = 1\n```\n", "TOML of which file?"),
        ("```proto\nsyntax = \"proto3\";\nmessage A { Strin a = 1; }\n```\n", "Strin"),
        ("```rust,ignore\nx\n```\n", "Rust that is not compiled"),
    ] {
        let found = wrong(text);
        assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
    }
    let lost = mistakes(&Page::new("docs/lost.md", "```rust\nfn main() {}\n```\n"));
    assert!(lost.len() == 1 && lost[0].contains("its Rust is no doc test"), "{lost:?}");
}
