//! The name of a project: of a folder, a crate, a type, a queue and an entry of the cluster file at once.
//!
//! `cargo generate` asks `check-name.rhai` of a template, which has the same lists, rules and sentences; tests compare
//! the two.

use super::expression::{pascal_case, snake_case};

/// The longest name; a cluster file allows two characters more.
const MAX_NAME: usize = 30;

/// The keywords of Rust, 2024 edition, and those that are kept for later.
const KEYWORDS: [&str; 52] = [
    "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try",
    "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "abstract",
];

/// Names that a program of Cargo's cannot have, because the standard library or its own folders have them.
const CARGO: [&str; 10] =
    ["alloc", "build", "core", "deps", "examples", "incremental", "proc-macro", "proc_macro", "std", "test"];

/// Crates that a project depends on.
const DEPENDENCIES: [&str; 12] = [
    "http",
    "http-body-util",
    "http_body_util",
    "serde",
    "serde-json",
    "serde_json",
    "skyloom",
    "skyloom-build",
    "skyloom-gateway",
    "skyloom-testing",
    "skyloom_testing",
    "tokio",
];

/// Modules that a project's code uses under these very names.
const MODULES: [&str; 3] = ["env", "fs", "service"];

/// Parts of each cluster.
const CLUSTER: [&str; 4] = ["broker", "gateway", "registry", "sky"];

/// Types that a service's code uses under these very names.
const TYPES: [&str; 39] = [
    "App",
    "Arc",
    "AtomicU64",
    "Box",
    "Client",
    "Clone",
    "Cluster",
    "Code",
    "Context",
    "Counter",
    "CountReply",
    "CountRequest",
    "Debug",
    "Default",
    "Described",
    "Deserialize",
    "Eq",
    "Err",
    "Greeted",
    "HelloReply",
    "HelloRequest",
    "HttpBody",
    "Json",
    "None",
    "Ok",
    "Option",
    "Ordering",
    "PartialEq",
    "Path",
    "Result",
    "Serialize",
    "Settings",
    "Some",
    "Status",
    "Streaming",
    "String",
    "TestCluster",
    "TopicName",
    "Vec",
];

/// Whether a project may have this name; a `gateway` may be called after what it is.
///
/// # Errors
/// A sentence that says what is wrong and what to write.
pub(super) fn check_name(name: &str, is_service: bool) -> Result<(), String> {
    let shown: String = name.chars().take(2 * MAX_NAME).collect();
    let wrong = |what: String| Err(format!("{shown:?} {what}"));
    if name.len() > MAX_NAME {
        return wrong(format!("has {} characters: a name has at most {MAX_NAME}", name.chars().count()));
    }
    if name.chars().any(char::is_uppercase) && is_words(&lower(name), '-') {
        return wrong(format!("has capitals: write it as {:?}", lower(name)));
    }
    if !is_words(name, '-') && !is_words(name, '_') {
        let what = "is no name: write small words joined by hyphens, each beginning with a letter from a to z";
        return wrong(format!("{what}, such as orders or order-book"));
    }
    if KEYWORDS.contains(&name) {
        return wrong(format!("is a keyword of Rust: choose another name, such as {name}-service"));
    }
    if CARGO.contains(&name) {
        return wrong(format!("means something else to Cargo: choose another name, such as {name}-service"));
    }
    if DEPENDENCIES.contains(&name) {
        return wrong(format!("is a crate that the project depends on: choose another name, such as {name}-service"));
    }
    if is_service && CLUSTER.contains(&name) {
        return wrong(format!("is a part of every cluster: choose another name, such as {name}-service"));
    }
    if MODULES.contains(&name) {
        let other = if name == "service" { "orders".to_owned() } else { format!("{name}-service") };
        return wrong(format!("is a module that the code uses: choose another name, such as {other}"));
    }
    if is_service && snake_case(&pascal_case(name)) != name.replace('-', "_") {
        let what = format!("makes a type {}, in which two words are one", pascal_case(name));
        return wrong(format!("{what}: join one-letter words with their neighbours, as in {:?}", joined(name)));
    }
    if is_service && TYPES.contains(&pascal_case(name).as_str()) {
        let taken = pascal_case(name);
        return wrong(format!(
            "makes a type {taken}, which the code has already: choose another, such as {name}-service"
        ));
    }
    Ok(())
}

/// Whether this is small words, each beginning with a letter, joined by `hyphen`.
fn is_words(name: &str, hyphen: char) -> bool {
    name.split(hyphen).all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// `ab-test` of `a-b-test`: the words that the type's name still has.
fn joined(name: &str) -> String {
    let hyphen = if name.contains('_') { "_" } else { "-" };
    snake_case(&pascal_case(name)).replace('_', hyphen)
}

/// `order-book` of `OrderBook` and of `Order_Book`.
fn lower(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() && !words.ends_with(['-', '_']) {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names() {
        for name in ["orders", "order-book", "order_book", "a", "s3-proxy", "x".repeat(30).as_str()] {
            assert_eq!(check_name(name, true), Ok(()), "{name}");
        }
        assert_eq!(check_name("gateway", false), Ok(()));
    }

    #[test]
    fn each_bad_name_has_its_sentence() {
        for (name, part) in [
            ("match", "is a keyword of Rust: choose another name, such as match-service"),
            ("Orders", "has capitals: write it as \"orders\""),
            ("OrderBook", "write it as \"order-book\""),
            ("Order_Book", "write it as \"order-book\""),
            ("", "is no name"),
            ("../orders", "is no name"),
            ("order book", "is no name"),
            ("order--book", "is no name"),
            ("-orders", "is no name"),
            ("2orders", "is no name"),
            ("orders-2", "each beginning with a letter from a to z"),
            ("Ördnung", "is no name: write small words joined by hyphens"),
            ("Orders-2", "is no name"),
            ("order-book_x", "is no name"),
            ("bücher", "is no name"),
            ("a\0b", "is no name"),
            ("serde", "is a crate that the project depends on"),
            ("test", "means something else to Cargo"),
            ("gateway", "is a part of every cluster"),
            ("result", "makes a type Result"),
            ("http-body", "makes a type HttpBody"),
            ("test-cluster", "makes a type TestCluster"),
            ("fs", "is a module that the code uses: choose another name, such as fs-service"),
            ("service", "is a module that the code uses: choose another name, such as orders"),
            (
                "a-b-test",
                "makes a type ABTest, in which two words are one: join one-letter words with their \
              neighbours, as in \"ab-test\"",
            ),
            ("x".repeat(300).as_str(), "has 300 characters"),
        ] {
            let sentence = check_name(name, true).unwrap_err();
            assert!(sentence.contains(part), "{name}: {sentence}");
            assert!(sentence.len() < 200, "{sentence}");
        }
    }

    /// The words of a list in a template's `check-name.rhai`.
    fn listed<'a>(script: &'a str, list: &str) -> Vec<&'a str> {
        let (_, rest) = script.split_once(&format!("let {list} = [")).unwrap();
        rest.split_once(']').unwrap().0.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn cargo_generate_has_the_same_lists() {
        for template in ["service", "gateway", "workspace"] {
            let script = super::super::library::find(template).unwrap().text("check-name.rhai").unwrap();
            assert_eq!(listed(script, "keywords"), KEYWORDS);
            assert_eq!(listed(script, "cargo"), CARGO);
            assert_eq!(listed(script, "dependencies"), DEPENDENCIES);
            assert_eq!(listed(script, "modules"), MODULES);
            assert_eq!(listed(script, "cluster"), CLUSTER);
            assert_eq!(listed(script, "types"), TYPES);
            assert!(script.contains(&format!("let longest = {MAX_NAME};")));
            assert!(script.contains(&format!("let is_service = {};", template == "service")));
        }
    }

    /// The names that a template's line brings into scope or uses as they are: types with their capitals, and what
    /// is imported. Strings, comments, tags, and what is named by a path are none of them.
    fn names(line: &str) -> Vec<String> {
        let mut code: String = line.split("//").next().unwrap_or_default().to_owned();
        for (open, close) in [("{%", "%}"), ("{{", "}}"), ("\"", "\"")] {
            while let Some(start) = code.find(open) {
                let Some(length) = code[start + open.len()..].find(close) else { break };
                // As part of a word, so that OrdersClient is no Client.
                code.replace_range(start..start + open.len() + length + close.len(), "0");
            }
        }
        let imports = code.trim_start().starts_with("use ");
        let mut names = Vec::new();
        for word in code.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter)) {
            let name = if imports { word.rsplit("::").next() } else { word.split("::").next() };
            let name = name.unwrap_or_default().trim_matches(':');
            let is_type = name.starts_with(|first: char| first.is_ascii_uppercase())
                && name.contains(|letter: char| letter.is_ascii_lowercase());
            let is_imported = imports && !["", "use", "self", "super", "crate"].contains(&name);
            if !name.contains('_') && (is_type || is_imported && !name.contains(|c: char| c.is_ascii_uppercase())) {
                names.push(name.to_owned());
            }
        }
        names
    }

    #[test]
    fn no_name_is_one_that_a_services_code_uses() {
        let template = super::super::library::find("service").unwrap();
        let mut seen = 0;
        for file in template.files.iter().filter(|file| file.path.contains(".rs")) {
            for name in file.text.lines().filter(|line| !line.contains("r#\"")).flat_map(names) {
                // Functions are in nobody's way: a crate or a type may have their names.
                if ["greeting", "topic", "0"].contains(&name.as_str()) {
                    continue;
                }
                seen += 1;
                let project = lower(&name);
                assert!(check_name(&project, true).is_err(), "{project}: {name} is used in {}", file.path);
            }
        }
        assert!(seen > 100, "only {seen} names have been found");
    }
}
