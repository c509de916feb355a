//! How an instance executes a method: `timeout`, `concurrency` and `once`.

use crate::{duration, errors::Errors, model::Execution, options::Options};

/// What the options of a `#[handler]` say of it.
pub(super) fn execution(options: &Options, errors: &mut Errors) -> Execution {
    let timeout_ms = options
        .string("timeout", errors)
        .and_then(|text| duration::milliseconds(&text.value()).map_err(|problem| errors.at(text.span(), problem)).ok());
    let concurrency = options.count("concurrency", errors).map(|(count, _)| count);
    let once = options.flag("once", errors).then(|| options.span("once"));
    Execution { timeout_ms, concurrency, once }
}
