//! What a service author reads who has made one mistake. `TRYBUILD=overwrite cargo test -p skyloom
//! --test ui` rewrites the texts.

#[test]
fn one_mistake_gives_one_message() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
