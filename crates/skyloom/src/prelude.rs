//! What a service author needs: `use skyloom::prelude::*;`.

pub use serde::{Deserialize, Serialize};

pub use crate::{
    App, Client, Code, Context, HttpBody, Json, Result, Settings, Status, Streaming, event, handler, serve, service,
};
