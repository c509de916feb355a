//! What a build script gets: the code and the descriptors of a contract, or a sentence with a place.
//! `UPDATE_SNAPSHOTS=1 cargo test -p skyloom-build` rewrites the snapshot.
// The helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use prost_reflect::DescriptorPool;
use skyloom_build::{BuildError, Builder};
use tempfile::TempDir;

/// Compiles the sample contract, and returns its code.
fn sample(builder: Builder) -> (TempDir, String) {
    let out = TempDir::new().unwrap();
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protos");
    builder.out_dir(out.path()).compile(&[protos.join("shop/v1/cart.proto")], &[protos]).unwrap();
    let code = fs::read_to_string(out.path().join("shop.v1.rs")).unwrap();
    (out, code)
}

/// Compiles one file with this content, and returns what is wrong with it.
fn mistake(source: &str) -> String {
    let directory = TempDir::new().unwrap();
    let proto = directory.path().join("a.proto");
    fs::write(&proto, source).unwrap();
    let error = Builder::new().out_dir(directory.path()).compile(&[&proto], &[directory.path()]).unwrap_err();
    let message = error.to_string();
    assert_eq!(message, format!("{error:?}"), "Cargo prints the Debug form");
    message.replace(&proto.display().to_string(), "a.proto").replace(&directory.path().display().to_string(), "DIR")
}

/// A service with one method, which begins on line 4.
fn method(method: &str) -> String {
    format!(
        "syntax = \"proto3\"; package a.v1;\nimport \"google/api/annotations.proto\";\nservice A {{\n{method}\n}}\n\
         message M {{ string name = 1; M m = 2; repeated string tags = 3; }}\n"
    )
}

#[test]
fn the_code_is_a_small_trait() {
    let (_out, code) = sample(Builder::new());
    let file = syn::parse_file(&code).unwrap();
    let services = |item: &syn::Item| matches!(item, syn::Item::Trait(_) | syn::Item::Const(_));
    let items = file.items.into_iter().filter(services).collect();
    let actual = prettyplease::unparse(&syn::File { shebang: None, frontmatter: None, attrs: Vec::new(), items });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/shop.v1.rs");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} differs; UPDATE_SNAPSHOTS=1 rewrites it:\n{actual}", path.display());
}

#[test]
fn a_name_that_the_client_needs_itself_and_a_version_that_counts_as_none_are_written_so_that_they_compile() {
    let out = TempDir::new().unwrap();
    let proto = out.path().join("a.proto");
    fs::write(&proto, method("rpc New(M) returns (M);").replace("a.v1", "a.v0")).unwrap();
    Builder::new().out_dir(out.path()).compile(&[&proto], &[out.path()]).unwrap();
    let code = fs::read_to_string(out.path().join("a.v0.rs")).unwrap();
    for part in ["version = 1, name = \"a.v0.A\"", "name = \"New\"", "async fn new_(&self"] {
        assert!(code.contains(part), "{part} in {code}");
    }
}

#[test]
fn the_messages_are_prosts() {
    let (_out, code) = sample(Builder::new());
    for part in [
        "pub struct AddRequest",
        "/// One item.",
        "/// The cart.",
        "::skyloom::__private::prost::Message",
        "pub picture: ::skyloom::__private::prost::bytes::Bytes",
    ] {
        assert!(code.contains(part), "{part} in {code}");
    }
}

#[test]
fn the_descriptors_hold_the_package_and_its_imports() {
    let (out, _) = sample(Builder::new());
    let bytes = fs::read(out.path().join("shop.v1.descriptors.bin")).unwrap();
    let pool = DescriptorPool::decode(bytes.as_slice()).unwrap();
    let service = pool.get_service_by_name("shop.v1.Cart").unwrap();
    assert_eq!(service.methods().count(), 4);
    let add = service.methods().next().unwrap();
    let rule = pool.get_extension_by_name("google.api.http").unwrap();
    assert!(add.options().has_extension(&rule), "the rules are kept");
    assert!(pool.get_message_by_name("google.api.HttpBody").is_some());
    assert!(pool.files().all(|file| file.file_descriptor_proto().source_code_info.is_none()));
}

#[test]
fn a_message_of_another_crate_is_referred_to() {
    let (_out, code) = sample(Builder::new().extern_path(".shop.v1.Item", "::items::Item"));
    assert!(code.contains("::items::Item") && !code.contains("pub struct Item"), "{code}");
}

#[cfg(feature = "tonic")]
#[test]
fn tonics_code_stands_beside_it() {
    let (_out, code) = sample(Builder::new().tonic(true));
    for part in ["pub trait Cart {", "pub mod cart_server", "pub mod cart_client"] {
        assert!(code.contains(part), "{part} in {code}");
    }
    let (_out, code) = sample(Builder::new());
    assert!(!code.contains("cart_server"));
}

#[test]
fn a_wrong_file_is_reported_with_its_place() {
    for (source, part) in [
        ("syntax = \"proto3\";\nmesage A {}\n", "a.proto:2:1: expected "),
        ("syntax = \"proto3\";\nmessage A {\n  B b = 1;\n}\n", "a.proto:3:3: "),
        (
            "syntax = \"proto3\";\nimport \"b.proto\";\n",
            "a.proto:2:1: import 'b.proto' not found; the include directories are DIR",
        ),
        ("syntax = \"proto3\";\nmessage A { string a = 1; string b = 1; }\n", "a.proto:2:"),
        ("syntax = \"proto3\";\nimport \"a.proto\";\n", "cycle"),
    ] {
        let message = mistake(source);
        assert!(message.contains(part), "{message:?} has no {part:?}");
    }
}

#[test]
fn a_method_that_no_queue_can_serve_is_reported_with_its_line() {
    let rule = |rule: &str| method(&format!("rpc X(M) returns (M) {{ option (google.api.http) = {{{rule}}}; }}"));
    for (source, part) in [
        (method("rpc X(stream M) returns (M);"), "a.proto:4: a.v1.A.X: its request is a stream"),
        (rule("get: \"/{nmae}\""), "a.proto:4: a.v1.A.X: /{nmae}: a.v1.M has no field \"nmae\"; it has name, m, tags"),
        (rule("get: \"/{m.nmae}\""), "a.v1.M has no field \"nmae\""),
        (rule("get: \"/{m}\""), "{m} is a message; name one of its fields"),
        (rule("get: \"/{tags}\""), "{tags} is repeated"),
        (rule("get: \"/{name.x}\""), "name is no message and has no field x"),
        (rule("post: \"/a\" body: \"x\""), "body: a.v1.M has no field \"x\""),
        (rule("post: \"/a\" response_body: \"x\""), "response_body: a.v1.M has no field \"x\""),
        (rule("custom: {kind: \"HEAD\" path: \"/a\"}"), "has no path: use one of get, put, post, delete, patch"),
        (
            rule("get: \"/a\" additional_bindings {get: \"/b\" additional_bindings {get: \"/c\"}}"),
            "an additional binding has bindings of its own",
        ),
    ] {
        let message = mistake(&source);
        assert!(message.contains(part), "{message:?} has no {part:?}");
    }
}

#[test]
fn every_method_that_is_wrong_is_reported_at_once() {
    let get =
        |name: &str, path: &str| format!("rpc {name}(M) returns (M) {{ option (google.api.http) = {{{path}}}; }}");
    let methods =
        [get("X", "get: \"/{nmae}\""), get("Y", "get: \"/{name}\""), "rpc Z(stream M) returns (M);".to_owned()];
    let message = mistake(&method(&methods.join("\n")));
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(
        lines[0].starts_with("a.proto:4: a.v1.A.X: ") && lines[1].starts_with("a.proto:6: a.v1.A.Z: "),
        "{message}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let out = TempDir::new().unwrap();
    let builder = Builder::new().out_dir(out.path());
    let missing = builder.compile(&["no/such.proto"], &["no"]).unwrap_err();
    assert_eq!(missing.to_string(), "no/such.proto does not exist");

    let elsewhere = out.path().join("a.proto");
    fs::write(&elsewhere, "syntax = \"proto3\";").unwrap();
    let outside = builder.compile(&[&elsewhere], &[Path::new("tests")]).unwrap_err().to_string();
    assert!(outside.contains("is in none of the include directories: tests"), "{outside}");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protos");
    let builder = Builder::new().out_dir("/no/such/directory");
    let error = builder.compile(&[protos.join("shop/v1/cart.proto")], &[protos]).unwrap_err();
    assert!(matches!(error, BuildError::Write { .. }));
    assert!(error.to_string().starts_with("cannot write the code to /no/such/directory: "), "{error}");
}
