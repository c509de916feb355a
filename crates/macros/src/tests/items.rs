//! Mistakes in an item as a whole.

use quote::quote;

use super::support::{assert_one, mistakes};
use crate::{entry, service};

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
    for (attributes, part) in [
        (quote!(#[handler]), "`#[handler]` says nothing that the trait does not say"),
        (quote!(#[handler()]), "`#[handler]` says nothing that the trait does not say"),
        (quote!(#[handler = 1]), "write the options in parentheses"),
        (quote!(#[handler("2s")]), "an option has a name: write `timeout = \"2s\"`"),
        (quote!(#[handler(timout = "2s")]), "has no option `timout`; did you mean `timeout`?"),
        (quote!(#[handler(timeout = "2x")]), "\"2x\" is no duration"),
        (quote!(#[handler(concurrency = 0, once)]), "`concurrency` is a whole number from 1"),
        (quote!(#[handler(once, idempotent)]), "`idempotent` is the contract's: write it in the trait"),
        (quote!(#[event("a")]), "a contract has no listeners"),
        (quote!(#[handler(once)] #[event("a")]), "`a` has two of Skyloom's attributes: keep one"),
    ] {
        let item = quote!(impl Greeter for G { #attributes async fn a(&self) -> Result<()> {} });
        assert_one(&mistakes(service::expand, quote!(), item), part);
    }
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
