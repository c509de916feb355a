//! Mistakes in the functions of a service.

use proc_macro2::TokenStream;
use quote::quote;

use super::support::{assert_one, mistakes_of};

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
                async fn hello(self: &Self, a: A) -> Result<B> {}
            ),
            "`hello` writes the type of `self` out: write `&self`",
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
    ] {
        assert_one(&mistakes_of(function), part);
    }
}

#[test]
fn the_messages_of_a_handler() {
    for (function, part) in [
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
                async fn hello(&self, ctx: &Context, a: A) -> Result<B> {}
            ),
            "the context is taken by value: remove the `&`",
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
    let routes = pair(quote!(#[handler(get = "/a/{x}/b/{c.d=**}")]), quote!(#[handler(get = "/{y=a/*}/b/{z=**}")]));
    assert_one(&routes, "two handlers have the route GET /a/*/b/**");
    let verbs =
        pair(quote!(#[handler(get = "/a/{x}:b")]), quote!(#[handler(get = "/a/{x}:c", also(put = "/a/{x}:b"))]));
    assert_eq!(verbs, Vec::<String>::new());
    let topics = pair(quote!(#[event("a")]), quote!(#[event("a")]));
    assert_one(&topics, "two listeners have the topic \"a\": join them, or give the other group a service of its own");
    let alternatives = pair(quote!(#[cfg(a)] #[handler(name = "A")]), quote!(#[cfg(b)] #[handler(name = "A")]));
    assert_eq!(alternatives, Vec::<String>::new());
}
