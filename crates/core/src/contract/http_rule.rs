//! How a method is reached by REST, as in `google.api.http`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An HTTP method of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpVerb {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl HttpVerb {
    /// Its name, such as `GET`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for HttpVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the HTTP request's body is.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpBody {
    /// There is none; fields that the path does not bind come from the query.
    #[default]
    None,
    /// The whole message (`body: "*"`), except the fields that the path binds.
    Whole,
    /// One field of the message; the rest comes from the query.
    Field(String),
}

/// One way to reach a method by REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRule {
    /// The HTTP method.
    pub verb: HttpVerb,
    /// The path template, such as `/v1/hello/{name}` or `/v1/{path=files/**}:read`.
    pub path: String,
    /// What the body is.
    #[serde(default)]
    pub body: HttpBody,
    /// The field of the reply that becomes the response's body; the whole reply if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response_body: String,
}
