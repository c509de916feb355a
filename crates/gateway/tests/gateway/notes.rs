//! A code-first service.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use skyloom::{
    Context, Json, Result, Streaming,
    contract::{
        HttpBody::{None as NoBody, Whole},
        HttpVerb::{Get, Post},
    },
    service::{Definition, Described, Method},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) topic: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) stars: u32,
    /// That it cannot be 0, only the worker knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copies: Option<NonZeroU32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) limit: Option<u32>,
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

/// Answers with what it was given.
pub(crate) struct Notes;

impl Described for Notes {
    fn definition() -> Definition<Self> {
        Definition::new("notes.v1.Notes", "notes.v1", 1)
            .method(
                Method::new("Add", |_, _, note: Json<Note>| async move { Ok(note) })
                    .http(Post, "/v1/notes/{topic}", Whole, "")
                    .http(Post, "/v1/notes", Whole, ""),
            )
            .method(
                Method::new("List", |_, _, list: Json<List>| async move { Ok(list) })
                    .http(Get, "/v1/notes/{topic}", NoBody, "")
                    .http(Get, "/v1/notes/{topic}/words", NoBody, "words"),
            )
            .method(Method::new("Tail", tail))
    }
}

async fn tail(_: std::sync::Arc<Notes>, _: Context, Json(list): Json<List>) -> Result<Streaming<Json<Note>>> {
    let note = move |text: String| Json(Note { topic: list.topic.clone(), text, stars: 0, copies: None });
    Ok(Streaming::from_messages(list.words.into_iter().map(note)))
}
