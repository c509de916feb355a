//! The attributes of Skyloom: parse, model, validate, expand. The code that they write reaches the
//! framework through `::skyloom::__private` alone.
// The compiler wants the attributes in this file; what they do is in the modules.

mod duration;
mod errors;
mod model;
mod nearest;
mod options;
mod words;
mod template;
mod expand;
mod parse;
mod validate;
mod service;
mod entry;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a type a service, or a trait the contract of one.
///
/// On an `impl` block (code first): the type is the service. On a trait (contract first): whatever
/// implements it under a bare `#[service]` is. Either way there is a `...Client` to call it.
///
/// ```
/// use skyloom::prelude::*;
///
/// #[derive(Serialize, Deserialize)] struct Hello { name: String }
/// #[derive(Serialize, Deserialize)] struct Greeting { text: String }
///
/// struct Greeter;
///
/// #[service(version = 1)]
/// impl Greeter {
///     /// Says hello.
///     #[handler(get = "/v1/hello/{name}", timeout = "2s")]
///     async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
///         Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
///     }
/// }
/// ```
///
/// # Options
/// - `version = 1`: required. A new version is a service of its own, with a queue of its own.
/// - `name = "greeter.v1.Greeter"`: the full name; made of the type's name and the version if absent.
/// - `queue = "greeter.v1"`: the well-known queue; made of the full name if absent.
/// - `descriptors = PATH`: a `&'static [u8]` with the encoded `FileDescriptorSet`.
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    service::service(options.into(), item.into()).into()
}

/// Makes a function of a `#[service]` one of its methods.
///
/// The function is async, takes `&self`, one message or none, and `Context` if it wants it, and
/// returns `Result` of a message or of `Streaming` of messages. Without a message, or with
/// `Result<()>`, an empty one travels.
///
/// # Options
/// - `name = "Hello"`: the method's name; the function's name in upper camel case if absent.
/// - `timeout = "2s"`: how long it may take (`ms`, `s`, `m`, `h`).
/// - `concurrency = 8`: how many of its calls an instance runs at once.
/// - `once`: at most once; a lost worker is an unknown outcome and not a redelivery.
/// - `idempotent`: executing it twice does no more than executing it once, so it may be retried.
/// - `get`, `post`, `put`, `patch` or `delete = "/v1/hello/{name}"`: its path for REST.
/// - `body = "*"` or `"field"`: what the HTTP body is. `"*"` if absent, `""` for none; GET and DELETE
///   have none if it is absent.
/// - `response_body = "field"`: the reply's field that is the HTTP body.
/// - `also(get = "/v2/hello/{name}")`: a further path, with its own `body` and `response_body`.
/// - `types(input = "...", output = "...")`: the full names of the protobuf messages.
///
/// In the `impl` of a contract's trait it has `timeout`, `concurrency` and `once`: how this service executes the method.
/// The rest is the contract's.
#[proc_macro_attribute]
pub fn handler(_: TokenStream, item: TokenStream) -> TokenStream {
    service::outside("handler", item.into()).into()
}

/// Makes a function of a `#[service]` a listener to a topic: `#[event("links.visited")]`.
///
/// The function is async, takes `&self`, the event, and `Context` if it wants it, and returns
/// `Result<()>`; an error means that the event is delivered again.
///
/// # Options
/// - `group = "audit"`: who shares the events; the service's queue if absent.
/// - `broadcast`: nobody; each instance gets each event.
#[proc_macro_attribute]
pub fn event(_: TokenStream, item: TokenStream) -> TokenStream {
    service::outside("event", item.into()).into()
}

/// Runs an `async fn main() -> Result<()>`, on one thread unless `workers = 4` asks for more. An
/// error is printed as one sentence, and the process ends with code 1.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::entry(options.into(), item.into()).into()
}
