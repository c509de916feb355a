/// Greets.
pub trait Greeter: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn hello(
        &self,
        ctx: Context,
        request: HelloRequest,
    ) -> impl ::core::future::Future<Output = Result<HelloReply>> + ::core::marker::Send;
    fn ping(
        &self,
        _ctx: Context,
        _request: (),
    ) -> impl ::core::future::Future<Output = Result<()>> + ::core::marker::Send {
        async move { Ok(()) }
    }
    #[doc(hidden)]
    fn __definition() -> ::skyloom::__private::core::service::Definition<Self>
    where
        Self: ::core::marker::Sized,
    {
        let definition = ::skyloom::__private::core::service::Definition::<
            Self,
        >::new("greeter.v1.Greeter", "greeter.v1", 1u32)
            .docs("Greets.")
            .descriptors(DESCRIPTORS)
            .translator(::skyloom::__private::translator);
        let definition = definition
            .method(
                ::skyloom::__private::core::service::Method::<
                    Self,
                >::new::<
                    HelloRequest,
                    HelloReply,
                    _,
                    _,
                >(
                        "Hello",
                        |
                            service: ::std::sync::Arc<Self>,
                            context: ::skyloom::__private::core::Context,
                            request: HelloRequest|
                        async move { Self::hello(&service, context, request).await },
                    )
                    .function("hello")
                    .http(
                        ::skyloom::__private::core::contract::HttpVerb::Post,
                        "/v1/hello",
                        ::skyloom::__private::core::contract::HttpBody::None,
                        "",
                    )
                    .types("greeter.v1.HelloRequest", "greeter.v1.HelloReply"),
            );
        let definition = definition
            .method(
                ::skyloom::__private::core::service::Method::<
                    Self,
                >::new::<
                    (),
                    (),
                    _,
                    _,
                >(
                        "Ping",
                        |
                            service: ::std::sync::Arc<Self>,
                            context: ::skyloom::__private::core::Context,
                            request: ()|
                        async move { Self::ping(&service, context, request).await },
                    )
                    .function("ping"),
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
    /// Calls `Hello`.
    pub fn hello(
        &self,
        request: HelloRequest,
    ) -> ::skyloom::__private::core::client::Call<HelloRequest, HelloReply> {
        ::skyloom::__private::core::client::Call::new(
            &self.client,
            &self.channel,
            "Hello",
            request,
        )
    }
    /// Calls `Ping`.
    pub fn ping(&self, request: ()) -> ::skyloom::__private::core::client::Call<(), ()> {
        ::skyloom::__private::core::client::Call::new(
            &self.client,
            &self.channel,
            "Ping",
            request,
        )
    }
    /// Names `Hello` and its types.
    pub const HELLO: ::skyloom::__private::core::client::MethodRef<
        HelloRequest,
        HelloReply,
    > = ::skyloom::__private::core::client::MethodRef::new(
            "greeter.v1.Greeter",
            "greeter.v1",
            1u32,
            "Hello",
        )
        .described("greeter.v1.HelloRequest", "greeter.v1.HelloReply", DESCRIPTORS);
    /// Names `Ping` and its types.
    pub const PING: ::skyloom::__private::core::client::MethodRef<(), ()> = ::skyloom::__private::core::client::MethodRef::new(
        "greeter.v1.Greeter",
        "greeter.v1",
        1u32,
        "Ping",
    );
}
#[automatically_derived]
impl ::skyloom::__private::core::client::ServiceClient for GreeterClient {
    fn through(client: ::skyloom::__private::core::client::Client) -> Self {
        Self::new(client)
    }
}
