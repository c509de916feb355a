//! A page and its blocks of code.

use std::fs;

use skyloom_testing::programs::root;

/// A page of the guide, or the README.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path from the root of the workspace.
    pub(crate) path: String,
    pub(crate) blocks: Vec<Block>,
}

/// One block of code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// The first word of its fence; empty if there is none.
    pub(crate) language: String,
    /// What follows in the fence, such as a file's name.
    pub(crate) name: String,
    pub(crate) code: String,
    /// What an HTML comment in the line before says of it.
    pub(crate) note: String,
}

/// All pages: the README and whatever is in `docs`.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            paths.push(format!("docs/{name}"));
        }
    }
    paths.sort_unstable();
    assert!(paths.len() > 10, "the guide was not found: {paths:?}");
    paths.into_iter().map(|path| Page::new(&path, &fs::read_to_string(root().join(&path)).unwrap())).collect()
}

impl Page {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let blocks = blocks(text).unwrap_or_else(|line| panic!("{path}:{line}: the block does not end"));
        Self { path: path.to_owned(), blocks }
    }

    /// Where a block is, for messages.
    pub(crate) fn place(&self, block: &Block) -> String {
        format!("{}:{}", self.path, block.line)
    }

    /// Whether the page has a block in one of these languages.
    pub(crate) fn has(&self, languages: &[&str]) -> bool {
        self.blocks.iter().any(|block| languages.contains(&block.language.as_str()))
    }
}

/// The blocks of a page, or the line of a fence that is not closed.
fn blocks(text: &str) -> Result<Vec<Block>, usize> {
    let (mut blocks, mut open, mut before) = (Vec::new(), None::<(Block, usize)>, "");
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        match (&mut open, trimmed.strip_prefix("```")) {
            (Some(_), Some("")) => blocks.extend(open.take().map(|(block, _)| block)),
            (Some((block, indent)), _) => {
                block.code.push_str(line.get(*indent..).unwrap_or(trimmed));
                block.code.push('\n');
            }
            (None, Some(info)) => {
                let (language, name) = info.trim().split_once([' ', ',']).unwrap_or((info.trim(), ""));
                let note = before.trim().strip_prefix("<!--").and_then(|note| note.strip_suffix("-->"));
                let block = Block {
                    line: index + 1,
                    language: language.to_owned(),
                    name: name.to_owned(),
                    code: String::new(),
                    note: note.unwrap_or_default().trim().to_owned(),
                };
                open = Some((block, indent));
            }
            (None, None) => before = line,
        }
    }
    match open {
        Some((block, _)) => Err(block.line),
        None => Ok(blocks),
    }
}

#[test]
fn blocks_are_found_with_what_is_said_of_them() {
    let text = "a\n```rust,no_run\nfn x() {}\n```\n<!-- background: ready -->\n```sh\nx\n```\n- b\n  ```toml a.toml\n  c = 1\n  ```\n";
    let page = Page::new("a.md", text);
    let found: Vec<_> = page
        .blocks
        .iter()
        .map(|block| (block.line, &*block.language, &*block.name, &*block.code, &*block.note))
        .collect();
    assert_eq!(
        found,
        [
            (2, "rust", "no_run", "fn x() {}\n", ""),
            (6, "sh", "", "x\n", "background: ready"),
            (10, "toml", "a.toml", "c = 1\n", ""),
        ]
    );
    assert_eq!(blocks("```sh\nx\n"), Err(1));
}
