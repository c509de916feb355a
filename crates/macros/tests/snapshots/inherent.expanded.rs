/// Greets.
impl Greeter {
    /// Says hello.
    ///
    /// Politely.
    async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Ok(Json(hello.into()))
    }
    async fn tail(
        &self,
        ctx: Context,
        query: Json<Query>,
    ) -> Result<Streaming<Json<Seen>>> {
        self.helper()
    }
    #[cfg(feature = "reset")]
    async fn reset(&self) -> Result<()> {
        Ok(())
    }
    fn helper(&self) {}
}
#[automatically_derived]
impl ::skyloom::__private::core::service::Described for Greeter {
    fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
        let definition = ::skyloom::__private::core::service::Definition::<
            Self,
        >::new("greeter.v1.Greeter", "greeter.v1", 1u32)
            .docs("Greets.");
        let definition = definition
            .method(
                ::skyloom::__private::core::service::Method::<
                    Self,
                >::new::<
                    Json<Hello>,
                    Json<Greeting>,
                    _,
                    _,
                >(
                        "Hello",
                        |
                            service: ::std::sync::Arc<Self>,
                            _: ::skyloom::__private::core::Context,
                            request: Json<Hello>|
                        async move { Self::hello(&service, request).await },
                    )
                    .docs("Says hello.\n\nPolitely.")
                    .timeout(::core::time::Duration::from_millis(2000u64))
                    .idempotent()
                    .http(
                        ::skyloom::__private::core::contract::HttpVerb::Get,
                        "/v1/hello/{name}",
                        ::skyloom::__private::core::contract::HttpBody::None,
                        "",
                    )
                    .http(
                        ::skyloom::__private::core::contract::HttpVerb::Post,
                        "/v1/hello",
                        ::skyloom::__private::core::contract::HttpBody::Whole,
                        "text",
                    ),
            );
        let definition = definition
            .method(
                ::skyloom::__private::core::service::Method::<
                    Self,
                >::new::<
                    Json<Query>,
                    Streaming<Json<Seen>>,
                    _,
                    _,
                >(
                        "Follow",
                        |
                            service: ::std::sync::Arc<Self>,
                            context: ::skyloom::__private::core::Context,
                            request: Json<Query>|
                        async move { Self::tail(&service, context, request).await },
                    )
                    .concurrency(4u32)
                    .http(
                        ::skyloom::__private::core::contract::HttpVerb::Put,
                        "/v1/tail/{id}",
                        ::skyloom::__private::core::contract::HttpBody::Field(
                            ::std::string::String::from("filter"),
                        ),
                        "",
                    ),
            );
        #[cfg(feature = "reset")]
        let definition = definition
            .method(
                ::skyloom::__private::core::service::Method::<
                    Self,
                >::new::<
                    ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
                    ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
                    _,
                    _,
                >(
                        "Reset",
                        |
                            service: ::std::sync::Arc<Self>,
                            _: ::skyloom::__private::core::Context,
                            _: ::skyloom::__private::core::Json<
                                ::skyloom::__private::core::Empty,
                            >|
                        async move {
                            Self::reset(&service)
                                .await
                                .map(|()| ::skyloom::__private::core::Json(::skyloom::__private::core::Empty {}))
                        },
                    )
                    .once(),
            );
        definition
    }
}
/// Calls `greeter.v1.Greeter`, wherever it runs.
#[allow(dead_code, unreachable_pub)]
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
pub struct GreeterClient {
    client: ::skyloom::__private::core::client::Client,
    channel: ::skyloom::__private::core::Channel,
}
#[allow(dead_code, unreachable_pub, private_interfaces)]
impl GreeterClient {
    /// Calls through this client. Inside a handler pass its `&Context`: the calls then
    /// inherit its deadline, trace and ledger.
    #[must_use]
    pub fn new(
        client: impl ::core::convert::Into<::skyloom::__private::core::client::Client>,
    ) -> Self {
        let queue = ::skyloom::__private::core::QueueName::from_static("greeter.v1");
        Self {
            client: client.into(),
            channel: ::skyloom::__private::core::Channel::Queue(queue),
        }
    }
    /// Says hello.
    ///
    /// Politely.
    pub fn hello(
        &self,
        hello: Json<Hello>,
    ) -> ::skyloom::__private::core::client::Call<Json<Hello>, Json<Greeting>> {
        ::skyloom::__private::core::client::Call::new(
                &self.client,
                &self.channel,
                "Hello",
                hello,
            )
            .timeout(::core::time::Duration::from_millis(2000u64))
            .idempotent()
    }
    /// Calls `Follow`.
    pub fn tail(
        &self,
        query: Json<Query>,
    ) -> ::skyloom::__private::core::client::Call<Json<Query>, Streaming<Json<Seen>>> {
        ::skyloom::__private::core::client::Call::new(
            &self.client,
            &self.channel,
            "Follow",
            query,
        )
    }
    /// Calls `Reset`.
    #[cfg(feature = "reset")]
    pub fn reset(
        &self,
    ) -> ::skyloom::__private::core::client::Call<
        ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
        ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
    > {
        ::skyloom::__private::core::client::Call::new(
            &self.client,
            &self.channel,
            "Reset",
            ::core::default::Default::default(),
        )
    }
    /// Names `Hello` and its types.
    pub const HELLO: ::skyloom::__private::core::client::MethodRef<
        Json<Hello>,
        Json<Greeting>,
    > = ::skyloom::__private::core::client::MethodRef::new(
        "greeter.v1.Greeter",
        "greeter.v1",
        1u32,
        "Hello",
    );
    /// Names `Follow` and its types.
    pub const TAIL: ::skyloom::__private::core::client::MethodRef<
        Json<Query>,
        Streaming<Json<Seen>>,
    > = ::skyloom::__private::core::client::MethodRef::new(
        "greeter.v1.Greeter",
        "greeter.v1",
        1u32,
        "Follow",
    );
    /// Names `Reset` and its types.
    #[cfg(feature = "reset")]
    pub const RESET: ::skyloom::__private::core::client::MethodRef<
        ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
        ::skyloom::__private::core::Json<::skyloom::__private::core::Empty>,
    > = ::skyloom::__private::core::client::MethodRef::new(
        "greeter.v1.Greeter",
        "greeter.v1",
        1u32,
        "Reset",
    );
}
#[automatically_derived]
impl ::skyloom::__private::core::client::ServiceClient for GreeterClient {
    fn through(client: ::skyloom::__private::core::client::Client) -> Self {
        Self::new(client)
    }
}
