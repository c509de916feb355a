impl<S: Store> links::Links for MyLinks<S>
where
    S: Clone,
{
    async fn shorten(
        &self,
        _ctx: Context,
        request: ShortenRequest,
    ) -> Result<ShortenReply> {
        self.store.add(request).await
    }
    async fn r#move(&self, _ctx: Context, request: MoveRequest) -> Result<()> {
        Ok(())
    }
    #[cfg(feature = "reset")]
    async fn reset(&self, _ctx: Context, _request: ()) -> Result<()> {
        Ok(())
    }
}
#[automatically_derived]
impl<S: Store> ::skyloom::__private::core::service::Described for MyLinks<S>
where
    S: Clone,
{
    fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
        fn defined<T: links::Links>() -> ::skyloom::__private::core::service::Definition<
            T,
        > {
            #[allow(unused_imports)]
            use ::skyloom::__private::core::service::NoContract as _;
            T::__definition()
        }
        let definition = defined::<Self>();
        let definition = definition
            .executed(
                "move",
                ::skyloom::__private::core::service::MethodOptions {
                    timeout: ::core::option::Option::Some(
                        ::core::time::Duration::from_millis(2000u64),
                    ),
                    concurrency: ::core::option::Option::Some(4u32),
                    once: false,
                },
            );
        #[cfg(feature = "reset")]
        let definition = definition
            .executed(
                "reset",
                ::skyloom::__private::core::service::MethodOptions {
                    timeout: ::core::option::Option::None,
                    concurrency: ::core::option::Option::None,
                    once: true,
                },
            );
        definition
    }
}
