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
}
#[automatically_derived]
impl<S: Store> ::skyloom::__private::core::service::Described for MyLinks<S>
where
    S: Clone,
{
    fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
        <Self as links::Links>::__definition()
    }
}
