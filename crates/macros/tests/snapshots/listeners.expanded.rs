impl Audit {
    async fn visited(&self, event: Json<Visited>) -> Result<()> {
        Ok(())
    }
    async fn made(&self, event: Made, _ctx: Context) -> Result<()> {
        Ok(())
    }
    async fn changed(&self, _: Json<Changed>) -> skyloom::Result<()> {
        Ok(())
    }
}
#[automatically_derived]
impl ::skyloom::__private::core::service::Described for Audit {
    fn definition() -> ::skyloom::__private::core::service::Definition<Self> {
        let definition = ::skyloom::__private::core::service::Definition::<
            Self,
        >::new("acme.audit.v2.Audit", "acme.audit.v2", 2u32);
        let definition = definition
            .event(
                ::skyloom::__private::core::service::Event::<
                    Self,
                >::new::<
                    Json<Visited>,
                    _,
                    _,
                >(
                    "links.visited",
                    ::core::option::Option::Some("acme.audit.v2"),
                    |
                        service: ::std::sync::Arc<Self>,
                        _: ::skyloom::__private::core::Context,
                        request: Json<Visited>|
                    async move { Self::visited(&service, request).await },
                ),
            );
        let definition = definition
            .event(
                ::skyloom::__private::core::service::Event::<
                    Self,
                >::new::<
                    Made,
                    _,
                    _,
                >(
                    "links.made",
                    ::core::option::Option::Some("auditors"),
                    |
                        service: ::std::sync::Arc<Self>,
                        context: ::skyloom::__private::core::Context,
                        request: Made|
                    async move { Self::made(&service, request, context).await },
                ),
            );
        let definition = definition
            .event(
                ::skyloom::__private::core::service::Event::<
                    Self,
                >::new::<
                    Json<Changed>,
                    _,
                    _,
                >(
                    "config.changed",
                    ::core::option::Option::None,
                    |
                        service: ::std::sync::Arc<Self>,
                        _: ::skyloom::__private::core::Context,
                        request: Json<Changed>|
                    async move { Self::changed(&service, request).await },
                ),
            );
        definition
    }
}
/// Calls `acme.audit.v2.Audit`, wherever it runs.
#[allow(dead_code, unreachable_pub)]
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
pub struct AuditClient {
    client: ::skyloom::__private::core::client::Client,
    channel: ::skyloom::__private::core::Channel,
}
#[allow(dead_code, unreachable_pub, private_interfaces)]
impl AuditClient {
    /// Calls through this client. Inside a handler pass its `&Context`: the calls then
    /// inherit its deadline, trace and ledger.
    #[must_use]
    pub fn new(
        client: impl ::core::convert::Into<::skyloom::__private::core::client::Client>,
    ) -> Self {
        let queue = ::skyloom::__private::core::QueueName::from_static("acme.audit.v2");
        Self {
            client: client.into(),
            channel: ::skyloom::__private::core::Channel::Queue(queue),
        }
    }
}
#[automatically_derived]
impl ::skyloom::__private::core::client::ServiceClient for AuditClient {
    fn through(client: ::skyloom::__private::core::client::Client) -> Self {
        Self::new(client)
    }
}
