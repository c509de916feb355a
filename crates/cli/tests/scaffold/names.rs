//! Both tools refuse the same names with the same sentences.

use std::{fs, path::Path};

use crate::{
    tools::{cargo_generate, checkout, sky},
    tree::files,
};

/// Names of every kind, good and bad.
const NAMES: [&str; 41] = [
    "orders",
    "order-book",
    "order_book",
    "s3-proxy",
    "a",
    "the-longest-name-there-can-be1",
    "the-longest-name-there-can-be12",
    "überlangerdienstnamemitumlaut",
    "match",
    "gen",
    "self",
    "yield",
    "Orders",
    "OrderBook",
    "Order_Book",
    "orderS",
    "ÄPFEL",
    "../orders",
    "order book",
    "order--book",
    "order__book",
    "orders-",
    "_orders",
    "2orders",
    "orders-2",
    "order-book_x",
    "bücher",
    "say\"so\"",
    "tab\there",
    "serde",
    "http-body-util",
    "proc-macro",
    "test",
    "gateway",
    "sky",
    "env",
    "service",
    "result",
    "http-body",
    "a-b-test",
    "a_b_test",
];

/// What a tool says of a name, or nothing if it takes it.
type Refusal = Option<String>;

/// What `sky new` says.
fn by_sky(folder: &Path, template: &str, name: &str) -> Refusal {
    let mut command = sky(folder);
    command.args(["new", name]);
    if template != "service" {
        command.arg(format!("--{template}"));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (!output.status.success()).then(|| said.trim_end().trim_start_matches("sky: ").to_owned())
}

/// What `cargo generate` says.
fn by_cargo_generate(folder: &Path, template: &str, name: &str) -> Refusal {
    let mut command = cargo_generate(folder);
    command.arg("--path").arg(checkout().join("templates").join(template)).args(["--name", name]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (!output.status.success()).then_some(said)
}

#[test]
fn what_one_refuses_the_other_refuses_and_both_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (directory.path().join("sky"), directory.path().join("cargo-generate"));
    for template in ["service", "gateway", "workspace"] {
        let mut refused = 0;
        for name in NAMES {
            [&ours, &theirs].iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
            match (by_sky(&ours, template, name), by_cargo_generate(&theirs, template, name)) {
                (None, None) => {}
                (Some(sentence), Some(said)) => {
                    refused += 1;
                    assert!(said.contains(&sentence), "{template} {name:?}: {sentence}\nand not\n{said}");
                    let written: Vec<_> = files(&theirs).into_keys().filter(|path| !path.starts_with('.')).collect();
                    assert_eq!(written, Vec::<String>::new(), "{template} {name:?}");
                }
                (sky, generate) => panic!("{template} {name:?}: sky says {sky:?}, cargo generate {generate:?}"),
            }
            [&ours, &theirs].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
        }
        assert!((20..NAMES.len()).contains(&refused), "{template}: {refused} are refused");
    }
}
