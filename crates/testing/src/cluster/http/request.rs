//! What is sent.

use std::{fmt::Display, future::IntoFuture, marker::PhantomData, panic::Location, pin::Pin};

use bytes::Bytes;
use http::{Method, Uri, header};
use http_body_util::Full;
use serde::Serialize;
use skyloom_gateway::Gateway;

use super::{response::HttpResponse, stream::HttpStream};

/// HTTP through the cluster's gateway, without a socket: the gateway's own handler answers. It lives no longer than
/// the cluster, whose services end with it.
#[derive(Clone, Debug)]
pub struct Http<'a> {
    gateway: Gateway,
    cluster: PhantomData<&'a ()>,
}

/// A request that is being put together; it is sent when it is awaited.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct HttpRequest {
    gateway: Gateway,
    parts: http::request::Builder,
    body: Bytes,
    mistake: Option<String>,
}

impl Http<'_> {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self { gateway, cluster: PhantomData }
    }

    /// `GET`.
    pub fn get(&self, path: impl AsRef<str>) -> HttpRequest {
        self.request(Method::GET, path)
    }

    /// `POST`.
    pub fn post(&self, path: impl AsRef<str>) -> HttpRequest {
        self.request(Method::POST, path)
    }

    /// `PUT`.
    pub fn put(&self, path: impl AsRef<str>) -> HttpRequest {
        self.request(Method::PUT, path)
    }

    /// `PATCH`.
    pub fn patch(&self, path: impl AsRef<str>) -> HttpRequest {
        self.request(Method::PATCH, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: impl AsRef<str>) -> HttpRequest {
        self.request(Method::DELETE, path)
    }

    /// A request with any method, to a path such as `/v1/orders/7?full=true`.
    pub fn request(&self, method: Method, path: impl AsRef<str>) -> HttpRequest {
        let path = path.as_ref();
        let mistake = path.parse::<Uri>().err().map(|error| {
            let form = "a path begins with /, and %20 and the like stand for a space and what is not ASCII";
            format!("its path {path:?} is wrong: {error}: {form}")
        });
        let parts = http::Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        HttpRequest { gateway: self.gateway.clone(), parts, body: Bytes::new(), mistake }
    }
}

impl HttpRequest {
    /// Adds a header.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.parts = self.parts.header(name.as_ref(), value.as_ref());
        self
    }

    /// A JSON body: a value of `serde_json::json!`, or any serde type.
    pub fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(error) => Self { mistake: Some(format!("the body has no JSON: {error}")), ..self },
        }
    }

    /// A body of this media type.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.header(header::CONTENT_TYPE, content_type) }
    }

    /// Sends it and returns as soon as the response begins, so that it can be read as it comes: for methods
    /// that stream.
    ///
    /// # Panics
    /// If this is no HTTP request, such as one with a space in its path.
    #[track_caller]
    pub fn stream(self) -> impl Future<Output = HttpStream> + Send {
        let Self { gateway, parts, body, mistake } = self;
        let length = body.len();
        let parts = if length > 0 { parts.header(header::CONTENT_LENGTH, length) } else { parts };
        if let Some(mistake) = mistake {
            wrong(&mistake);
        }
        match parts.body(Full::<Bytes>::from(body)) {
            Ok(request) => async move { HttpStream::new(gateway.handle(request).await) },
            Err(error) => wrong(&error),
        }
    }
}

impl IntoFuture for HttpRequest {
    type Output = HttpResponse;
    type IntoFuture = Pin<Box<dyn Future<Output = HttpResponse> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let at = Location::caller();
        let stream = self.stream();
        Box::pin(async move { stream.await.whole(at).await })
    }
}

#[track_caller]
fn wrong(error: &dyn Display) -> ! {
    panic!("this is no HTTP request: {error}")
}
