//! Services in modules whose names are those of everybody.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod code_first {
    #![allow(dead_code)]
    use serde::{Deserialize, Serialize};

    // Everything that a prelude has, and means something else here.
    pub struct Option;
    pub struct Some;
    pub struct Ok;
    pub struct Err;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct Client;
    pub struct Channel;
    pub struct Duration;
    pub struct Arc;
    pub struct Method;
    pub struct Definition;
    pub struct Event;
    pub struct Call;
    pub trait Clone {}
    pub trait Default {}
    pub trait Into {}
    pub trait From {}
    pub trait Send {}
    pub trait Sync {}
    pub trait Future {}
    pub trait Iterator {}

    #[derive(::core::fmt::Debug, Serialize, Deserialize)]
    pub struct Number {
        pub n: u32,
    }

    pub struct Odd<'a>(pub &'a str);

    /// With "quotes", a \ and `code`; and {braces}.
    #[skyloom::service(version = 1)]
    impl Odd<'static> {
        /// Says "it" with a \ and {braces}.
        ///
        /// ```text
        /// let x = "y";
        /// ```
        #[handler(get = "/v1/call/{n}", timeout = "2s", concurrency = 2, idempotent)]
        async fn call(&self, skyloom::Json(number): skyloom::Json<Number>) -> skyloom::Result<skyloom::Json<Number>> {
            ::core::result::Result::Ok(skyloom::Json(number))
        }

        #[handler]
        async fn clone(
            &self,
            _: skyloom::Json<Number>,
        ) -> ::core::result::Result<skyloom::Json<Number>, skyloom::Status> {
            ::core::result::Result::Err(skyloom::Status::internal(self.0))
        }

        #[handler]
        async fn r#type(&self, r#type: skyloom::Json<Number>, context: skyloom::Context) -> skyloom::Result<()> {
            let _ = (r#type, context);
            ::core::result::Result::Ok(())
        }

        #[handler]
        async fn into(&self) -> skyloom::Result<()> {
            ::core::result::Result::Ok(())
        }

        #[handler]
        async fn through(&self) -> skyloom::Result<()> {
            ::core::result::Result::Ok(())
        }

        #[handler]
        async fn fmt(&self, service: skyloom::Json<Number>) -> skyloom::Result<skyloom::Json<Number>> {
            ::core::result::Result::Ok(service)
        }

        #[handler]
        async fn definition(&self, client: skyloom::Json<Number>) -> skyloom::Result<skyloom::Json<Number>> {
            ::core::result::Result::Ok(client)
        }

        #[handler]
        #[cfg(any())]
        async fn gone(&self, client: Missing) -> skyloom::Result<()> {}

        #[handler(name = "Alternative")]
        #[cfg(all())]
        async fn alternative(&self) -> skyloom::Result<()> {
            ::core::result::Result::Ok(())
        }

        #[handler(name = "Alternative")]
        #[cfg(any())]
        async fn alternative(&self) -> skyloom::Result<()> {
            ::core::result::Result::Ok(())
        }

        #[event("odd.happened")]
        async fn drop(&self, skyloom::Json(number): skyloom::Json<Number>) -> skyloom::Result<()> {
            let _ = number;
            ::core::result::Result::Ok(())
        }
    }

    #[skyloom::service(version = 1, name = "odd.v1.OddClient", queue = "odd.client.v1")]
    impl OddClientService {
        #[handler]
        async fn client(&self) -> skyloom::Result<()> {
            ::core::result::Result::Ok(())
        }
    }

    pub struct OddClientService;
}

mod contract_first {
    #![allow(dead_code)]
    pub struct Result;
    pub struct Context;
    pub struct Ok;
    pub struct String;
    pub trait Send {}
    pub trait Future {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Text {
        #[prost(string, tag = "1")]
        pub text: ::std::string::String,
    }

    #[skyloom::service(version = 1, name = "odd.v1.Trait")]
    pub trait Trait {
        #[handler]
        async fn call(&self, ctx: skyloom::Context, request: Text) -> skyloom::Result<Text>;
        #[handler]
        async fn clone(&self, ctx: skyloom::Context, request: Text) -> skyloom::Result<Text>;
        #[handler]
        async fn r#type(&self, ctx: skyloom::Context, request: Text) -> skyloom::Result<Text>;
        #[handler]
        async fn borrow(&self, ctx: skyloom::Context, request: Text) -> skyloom::Result<Text> {
            let _ = (self, ctx);
            skyloom::Result::Ok(request)
        }
        #[handler]
        #[cfg(any())]
        async fn gone(&self, ctx: skyloom::Context, request: Missing) -> skyloom::Result<Text>;
    }

    #[derive(Clone)]
    pub struct Own<'a, T: ?Sized, const N: usize>(pub &'a T);

    impl<T: ?Sized, const N: usize> Own<'_, T, N> {
        /// Not the trait's.
        pub async fn call(&self) {}
    }

    #[skyloom::service]
    impl<T: ::core::marker::Sync + ::core::fmt::Display + ?Sized, const N: usize> Trait for Own<'static, T, N> {
        async fn call(&self, _: skyloom::Context, request: Text) -> skyloom::Result<Text> {
            skyloom::Result::Ok(Text { text: format!("{}{N}{}", self.0, request.text) })
        }
        async fn clone(&self, _: skyloom::Context, request: Text) -> skyloom::Result<Text> {
            skyloom::Result::Ok(request)
        }
        async fn r#type(&self, _: skyloom::Context, request: Text) -> skyloom::Result<Text> {
            skyloom::Result::Ok(request)
        }
    }
}

#[test]
fn they_compile() {
    use skyloom::service::Described as _;
    let contract = code_first::Odd::definition().contract().unwrap();
    let names: Vec<_> = contract.methods.iter().map(|method| method.name.to_string()).collect();
    assert_eq!(names, ["Call", "Clone", "Type", "Into", "Through", "Fmt", "Definition", "Alternative"]);
    assert_eq!(contract_first::Own::<str, 2>::definition().contract().unwrap().methods.len(), 4);
    assert_eq!(format!("{:?}", code_first::OddClient::TYPE).contains("Type"), true);
}
