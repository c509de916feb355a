//! Futures behind a trait object.

use std::{future::Future, pin::Pin};

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
