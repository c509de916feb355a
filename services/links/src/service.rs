//! The link shortener.

use serde::Serialize;
use skyloom::{TopicName, prelude::*};

use crate::{
    address::{address, check_code, new_code},
    contract::{
        self, Link, QrRequest, ResolveReply, ResolveRequest, ShortenRequest, StatsReply, StatsRequest,
        qr::{QrClient, RenderRequest},
    },
    settings::Settings,
    store::{Entry, Store, StoreError},
};

/// The event that somebody followed a link.
const VISITED: &str = "links.visited";

/// How many codes are tried before it is assumed that none is free.
const CODE_ATTEMPTS: usize = 5;

/// What the event says.
#[derive(Debug, Serialize, Deserialize)]
struct Visited {
    code: String,
    url: String,
}

/// Shortens links and counts who follows them.
#[derive(Clone, Debug)]
pub struct Links {
    store: Store,
    base_url: String,
}

impl Links {
    /// A shortener with these settings.
    ///
    /// # Errors
    /// If Redis is to be used and does not answer.
    pub async fn new(settings: Settings) -> Result<Self, StoreError> {
        let store = Store::open(settings.redis_url.as_deref()).await?;
        Ok(Self { store, base_url: settings.base_url.trim_end_matches('/').to_owned() })
    }

    fn short_url(&self, code: &str) -> String {
        format!("{}/l/{code}", self.base_url)
    }

    async fn find(&self, code: &str) -> Result<Entry> {
        check_code(code)?;
        self.store.find(code).await?.ok_or_else(|| unknown(code))
    }
}

fn unknown(code: &str) -> Status {
    Status::not_found(format!("there is no link {code:?}"))
}

#[service]
impl contract::Links for Links {
    async fn shorten(&self, _ctx: Context, request: ShortenRequest) -> Result<Link> {
        let url = address(&request.url)?;
        for _ in 0..CODE_ATTEMPTS {
            let code = new_code();
            if self.store.insert(&code, &url).await? {
                return Ok(Link { short_url: self.short_url(&code), code, url });
            }
        }
        Err(Status::resource_exhausted("no free code was found; try again"))
    }

    async fn resolve(&self, ctx: Context, request: ResolveRequest) -> Result<ResolveReply> {
        check_code(&request.code)?;
        let url = self.store.visit(&request.code).await?.ok_or_else(|| unknown(&request.code))?;
        let event = Json(Visited { code: request.code, url: url.clone() });
        ctx.client().publish(&TopicName::new(VISITED)?, event).await?;
        ctx.set_http_status(302);
        ctx.set_reply_header("location", url.clone());
        Ok(ResolveReply { url })
    }

    async fn stats(&self, _ctx: Context, request: StatsRequest) -> Result<StatsReply> {
        let entry = self.find(&request.code).await?;
        Ok(StatsReply { code: request.code, url: entry.url, visits: entry.visits })
    }

    async fn qr(&self, ctx: Context, request: QrRequest) -> Result<HttpBody> {
        self.find(&request.code).await?;
        let text = self.short_url(&request.code);
        QrClient::new(ctx.client()).render(RenderRequest { text, scale: 0 }).await
    }
}
