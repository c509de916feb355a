//! A server that trusts an operator, and a user of one of its accounts: what `nsc` makes, made here.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};
use skyloom_testing::servers::{Server, nats_plain};

/// Starts a server that trusts an operator. Returns it with the credentials files of a user whom an account of the
/// operator vouches for, and of one whom nobody vouches for. It is without JetStream, which would need another account.
pub(crate) fn start() -> (Server, PathBuf, PathBuf) {
    let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
    let trusted = token(&operator, &operator, "operator", &json!({}));
    let unlimited = json!({ "limits": {
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
    } });
    let known = token(&operator, &account, "account", &unlimited);
    let accounts = format!("resolver_preload: {{ {}: {known} }}", account.public_key());
    let server = nats_plain(&format!("operator: {trusted}\nresolver: MEMORY\n{accounts}"));
    let credentials = |name: &str, account: &KeyPair| {
        let file = server.directory().join(name);
        std::fs::write(&file, credentials_of(account)).expect("a file can be written");
        file
    };
    let (known, unknown) =
        (credentials("known.creds", &account), credentials("unknown.creds", &KeyPair::new_account()));
    (server, known, unknown)
}

/// The credentials of a new user of an account.
fn credentials_of(account: &KeyPair) -> String {
    let user = KeyPair::new_user();
    let token = token(account, &user, "user", &json!({ "subs": -1, "data": -1, "payload": -1 }));
    let seed = user.seed().expect("it has a seed");
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

/// What one says of another, signed: a JSON web token as NATS has them.
fn token(issuer: &KeyPair, subject: &KeyPair, kind: &str, claims: &Value) -> String {
    let mut nats = claims.clone();
    nats["type"] = json!(kind);
    nats["version"] = json!(2);
    let claims = json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(), "name": kind,
        "sub": subject.public_key(), "nats": nats,
    });
    let head = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&head), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).expect("it can sign");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
