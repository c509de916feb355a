//! Expansion snapshots and every mistake. `UPDATE_SNAPSHOTS=1 cargo test -p skyloom-macros`
//! rewrites the snapshots.

use std::{fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;

use crate::{entry, errors::Errors, service};

type Expand = fn(TokenStream, TokenStream, &mut Errors) -> TokenStream;

fn snapshot(name: &str, expand: Expand, options: TokenStream, item: TokenStream) {
    let mut errors = Errors::default();
    let code = expand(options, item, &mut errors);
    assert_eq!(errors.messages(), Vec::<String>::new());
    let actual = prettyplease::unparse(&syn::parse2(code).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.expanded.rs"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} differs; UPDATE_SNAPSHOTS=1 rewrites it:\n{actual}", path.display());
}

fn mistakes(expand: Expand, options: TokenStream, item: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    expand(options, item, &mut errors);
    errors.messages()
}

/// The mistakes of one function in an otherwise sound service.
fn mistakes_of(function: TokenStream) -> Vec<String> {
    mistakes(service::expand, quote!(version = 1), quote!(impl Greeter { #function }))
}

fn assert_one(messages: &[String], part: &str) {
    assert!(messages.len() == 1 && messages[0].contains(part), "{messages:?} is not one message with {part:?}");
}

#[test]
fn an_inherent_impl() {
    snapshot(
        "inherent",
        service::expand,
        quote!(version = 1),
        quote! {
            /// Greets.
            impl Greeter {
                /// Says hello.
                ///
                /// Politely.
                #[handler(get = "/v1/hello/{name}", also(post = "/v1/hello", response_body = "text"), timeout = "2s", idempotent)]
                async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
                    Ok(Json(hello.into()))
                }
                #[handler(name = "Follow", put = "/v1/tail/{id}", body = "filter", concurrency = 4)]
                async fn tail(&self, ctx: Context, query: Json<Query>) -> Result<Streaming<Json<Seen>>> {
                    self.helper()
                }
                #[cfg(feature = "reset")]
                #[handler(once)]
                async fn reset(&self) -> Result<()> {
                    Ok(())
                }
                fn helper(&self) {}
            }
        },
    );
}

#[test]
fn listeners() {
    snapshot(
        "listeners",
        service::expand,
        quote!(version = 2, name = "acme.audit.v2.Audit"),
        quote! {
            impl Audit {
                #[event("links.visited")]
                async fn visited(&self, event: Json<Visited>) -> Result<()> {
                    Ok(())
                }
                #[event("links.made", group = "auditors")]
                async fn made(&self, event: Made, _ctx: Context) -> Result<()> {
                    Ok(())
                }
                #[skyloom::event("config.changed", broadcast)]
                async fn changed(&self, _: Json<Changed>) -> skyloom::Result<()> {
                    Ok(())
                }
            }
        },
    );
}

#[test]
fn a_trait() {
    snapshot(
        "trait",
        service::expand,
        quote!(version = 1, name = "greeter.v1.Greeter", queue = "greeter.v1", descriptors = DESCRIPTORS),
        quote! {
            /// Greets.
            pub trait Greeter {
                #[handler(
                    name = "Hello",
                    types(input = "greeter.v1.HelloRequest", output = "greeter.v1.HelloReply"),
                    post = "/v1/hello",
                    body = ""
                )]
                async fn hello(&self, ctx: Context, request: HelloRequest) -> Result<HelloReply>;
                #[handler]
                async fn ping(&self, _ctx: Context, _request: ()) -> Result<()> {
                    Ok(())
                }
            }
        },
    );
}

#[test]
fn the_impl_of_a_trait() {
    snapshot(
        "trait_impl",
        service::expand,
        quote!(),
        quote! {
            impl<S: Store> links::Links for MyLinks<S>
            where
                S: Clone,
            {
                async fn shorten(&self, _ctx: Context, request: ShortenRequest) -> Result<ShortenReply> {
                    self.store.add(request).await
                }
            }
        },
    );
}

#[test]
fn the_main_function() {
    let item = quote! {
        /// Starts it.
        async fn main() -> Result<()> {
            skyloom::serve(Greeter).await
        }
    };
    snapshot("main", entry::expand, quote!(), item.clone());
    snapshot("main_workers", entry::expand, quote!(workers = 4), item);
}

#[test]
fn the_options_of_a_service() {
    let item = quote!(impl Greeter {});
    for (options, part) in [
        (quote!(), "a service has a version: write `#[service(version = 1)]`"),
        (quote!(version = 0), "`version` is a whole number from 1"),
        (quote!(version = "1"), "`version` is written `version = 1`"),
        (quote!(version = 1, version = 1), "`version` is given twice"),
        (quote!(version = 1, quue = "x"), "has no option `quue`; did you mean `queue`?"),
        (quote!(version = 1, tracing), "has no option `tracing`; it has version, name, queue, descriptors"),
        (quote!(version = 1, queue = "Greeter"), "\"Greeter\" is no name of a queue: use only a-z"),
        (quote!(version = 1, name = "greeter..v1"), "is no service's name: it is empty"),
        (quote!(version = 1, name = "greeter.v2.Greeter"), "says version 2: make them agree"),
        (quote!(version = 1, "greeter"), "an option has a name"),
        (quote!(version = 1, = 2), "expected"),
    ] {
        assert_one(&mistakes(service::expand, options, item.clone()), part);
    }
}

#[test]
fn the_item_of_a_service() {
    for (item, part) in [
        (
            quote!(
                struct Greeter;
            ),
            "`#[service]` belongs on an `impl` block or a trait",
        ),
        (
            quote!(
                impl<T> Greeter<T> {}
            ),
            "a service's methods have fixed types",
        ),
        (
            quote!(
                impl (u8, u8) {}
            ),
            "a service is a type with a name",
        ),
        (
            quote!(
                trait Greeter<T> {}
            ),
            "a service's methods have fixed types: name them",
        ),
        (
            quote!(
                trait Greeter {
                    #[event("a")]
                    async fn a(&self, b: B) -> Result<()>;
                }
            ),
            "a trait has no listeners",
        ),
    ] {
        assert_one(&mistakes(service::expand, quote!(version = 1), item), part);
    }
    let options_on_impl = mistakes(service::expand, quote!(version = 1), quote!(impl Greeter for G {}));
    assert_one(&options_on_impl, "has no option `version`; it has none");
    let handler_in_impl = quote!(impl Greeter for G { #[handler] async fn a(&self) -> Result<()> {} });
    assert_one(&mistakes(service::expand, quote!(), handler_in_impl), "`#[handler]` belongs into the trait");
}

#[test]
fn the_function_of_a_handler() {
    for (function, part) in [
        (
            quote!(
                #[handler]
                fn hello(&self, a: A) -> Result<B> {}
            ),
            "`hello` is not async: write `async fn hello`",
        ),
        (
            quote!(
                #[handler]
                async fn hello(a: A) -> Result<B> {}
            ),
            "`hello` takes no `self`: write `&self`",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&mut self, a: A) -> Result<B> {}
            ),
            "takes `&mut self`, but one value",
        ),
        (
            quote!(
                #[handler]
                async fn hello(self, a: A) -> Result<B> {}
            ),
            "takes the service by value",
        ),
        (
            quote!(
                #[handler]
                async fn hello(self: Arc<Self>, a: A) -> Result<B> {}
            ),
            "takes the service by value",
        ),
        (
            quote!(
                #[handler]
                async fn hello<T>(&self, a: A) -> Result<B> {}
            ),
            "`hello` is generic",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: A, b: B) -> Result<B> {}
            ),
            "a handler takes one message",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: Context, b: Context) -> Result<B> {}
            ),
            "the context is taken twice",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: &A) -> Result<B> {}
            ),
            "a message is taken by value",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: impl A) -> Result<B> {}
            ),
            "a message has one type",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: A) {}
            ),
            "`hello` returns nothing, but a call can always fail",
        ),
        (
            quote!(
                #[handler]
                async fn hello(&self, a: A) -> B {}
            ),
            "`hello` returns no `Result`",
        ),
        (
            quote!(
                #[handler]
                async fn new(&self, a: A) -> Result<B> {}
            ),
            "a handler cannot be named `new`",
        ),
        (
            quote!(
                #[handler]
                #[event("a")]
                async fn a(&self, a: A) -> Result<()> {}
            ),
            "has two of Skyloom's attributes",
        ),
    ] {
        assert_one(&mistakes_of(function), part);
    }
}

#[test]
fn the_options_of_a_handler() {
    for (options, part) in [
        (quote!(timout = "2s"), "`#[handler]` has no option `timout`; did you mean `timeout`?"),
        (quote!(timeout = "2x"), "\"2x\" is no duration: write a whole number and ms, s, m or h"),
        (quote!(timeout = 2), "`timeout` is written `timeout = \"2s\"`"),
        (quote!(concurrency = 0), "`concurrency` is a whole number from 1"),
        (quote!(once = true), "`once` is written `once`"),
        (quote!(once, idempotent), "`once` and `idempotent` contradict each other"),
        (quote!(name = "say-hello"), "\"say-hello\" is no name of a method: use only letters"),
        (quote!(get = "v1"), "\"v1\" is no path: start it with a slash"),
        (quote!(get = "/v1/{a"), "a brace is not closed"),
        (quote!(get = "/v1/{a}/{a}"), "{a} appears twice"),
        (quote!(get = "/a", post = "/b"), "`get` and `post` are two rules: write the second as `also(post = \"...\")`"),
        (quote!(body = "*"), "`body` belongs to a rule"),
        (quote!(post = "/a", body = "a b"), "\"a b\" is no field"),
        (quote!(also(get = "/a")), "there is no first rule yet"),
        (quote!(get = "/a", also(body = "*")), "another rule needs a path"),
        (quote!(get = "/a", also(gte = "/b")), "has no option `gte`; did you mean `get`?"),
        (quote!(types(input = "a.A")), "`types` needs both `input` and `output`"),
        (quote!("/v1"), "an option has a name"),
    ] {
        let function = quote!(
            #[handler(#options)]
            async fn hello(&self, a: A) -> Result<B> {}
        );
        assert_one(&mistakes_of(function), part);
    }
}

#[test]
fn the_options_of_a_listener() {
    for (attribute, signature, part) in [
        (quote!(#[event]), quote!((&self, a: A) -> Result<()>), "a listener needs a topic"),
        (quote!(#[event("a", "b")]), quote!((&self, a: A) -> Result<()>), "a listener has one topic"),
        (quote!(#[event("a/b")]), quote!((&self, a: A) -> Result<()>), "\"a/b\" is no name of a topic"),
        (quote!(#[event("a", group = "_b")]), quote!((&self, a: A) -> Result<()>), "\"_b\" is no name of a group"),
        (quote!(#[event("a", group = "b", broadcast)]), quote!((&self, a: A) -> Result<()>), "contradict each other"),
        (quote!(#[event("a")]), quote!((&self) -> Result<()>), "takes no event: add an argument"),
        (quote!(#[event("a")]), quote!((&self, a: A) -> Result<B>), "has nobody to answer: return `Result<()>`"),
    ] {
        assert_one(&mistakes_of(quote!(#attribute async fn seen #signature {})), part);
    }
}

#[test]
fn members_that_do_not_fit_together() {
    let pair = |first: TokenStream, second: TokenStream| {
        mistakes_of(quote! {
            #first async fn a(&self, a: A) -> Result<()> {}
            #second async fn b(&self, a: A) -> Result<()> {}
        })
    };
    let names = pair(quote!(#[handler(name = "Same")]), quote!(#[handler(name = "Same")]));
    assert_one(&names, "two handlers are named \"Same\"");
    let routes = pair(quote!(#[handler(get = "/a")]), quote!(#[handler(get = "/a")]));
    assert_one(&routes, "two handlers have the route GET /a");
    let topics = pair(quote!(#[event("a")]), quote!(#[event("a")]));
    assert_one(&topics, "two listeners have the topic \"a\"");
    let alternatives = pair(quote!(#[cfg(a)] #[handler(name = "A")]), quote!(#[cfg(b)] #[handler(name = "A")]));
    assert_eq!(alternatives, Vec::<String>::new());
}

#[test]
fn every_mistake_is_reported_at_once() {
    let messages = mistakes(
        service::expand,
        quote!(name = "x y"),
        quote! {
            impl Greeter {
                #[handler(timeout = "2x", get = "v1", onec)]
                fn hello(self, a: &A) {}
                #[event]
                async fn seen(&self) -> Result<B> {}
            }
        },
    );
    assert_eq!(messages.len(), 12, "{messages:#?}");
}

#[test]
fn the_item_survives_a_mistake() {
    let item = quote!(impl Greeter { #[handler(timout = "2s")] async fn hello(&self, a: A) -> Result<B> { b() } });
    let code = service::service(quote!(version = 1), item).to_string();
    assert_eq!(code.matches("compile_error").count(), 1);
    for part in
        ["async fn hello", "impl :: skyloom :: __private :: core :: service :: Described for Greeter", "GreeterClient"]
    {
        assert!(code.contains(part), "{part} in {code}");
    }
    assert!(!code.contains("timout = "));
}

#[test]
fn a_main_function_that_cannot_be_one() {
    for (options, item, part) in [
        (
            quote!(),
            quote!(
                fn main() -> Result<()> {}
            ),
            "`main` is not async",
        ),
        (
            quote!(),
            quote!(
                async fn start() -> Result<()> {}
            ),
            "is called `main`",
        ),
        (
            quote!(),
            quote!(
                async fn main(a: A) -> Result<()> {}
            ),
            "takes no arguments",
        ),
        (
            quote!(),
            quote!(
                async fn main<T>() -> Result<()> {}
            ),
            "is generic",
        ),
        (
            quote!(),
            quote!(
                async fn main() {}
            ),
            "`main` returns nothing: write `-> Result<()>`",
        ),
        (
            quote!(),
            quote!(
                struct Main;
            ),
            "belongs on `async fn main`",
        ),
        (
            quote!(workers = 0),
            quote!(
                async fn main() -> Result<()> {}
            ),
            "`workers` is a whole number from 1",
        ),
        (
            quote!(threads = 2),
            quote!(
                async fn main() -> Result<()> {}
            ),
            "has no option `threads`",
        ),
    ] {
        assert_one(&mistakes(entry::expand, options, item), part);
    }
}

#[test]
fn an_attribute_outside_a_service() {
    let code = service::outside(
        "handler",
        quote!(
            async fn hello(&self) {}
        ),
    )
    .to_string();
    assert!(code.contains("async fn hello") && code.contains("means nothing outside a service"), "{code}");
}
