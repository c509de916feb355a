//! Expansion snapshots; `UPDATE_SNAPSHOTS=1 cargo test -p skyloom-macros` rewrites them.

use std::{fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;

use super::support::Expand;
use crate::{entry, errors::Errors, service};

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
                #[handler(timeout = "2s", concurrency = 4)]
                async fn r#move(&self, _ctx: Context, request: MoveRequest) -> Result<()> {
                    Ok(())
                }
                #[cfg(feature = "reset")]
                #[handler(once)]
                async fn reset(&self, _ctx: Context, _request: ()) -> Result<()> {
                    Ok(())
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
