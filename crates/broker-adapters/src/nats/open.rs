//! Opens a connection and starts what serves it.

use std::{sync::Arc, time::Duration};

use skyloom_core::broker::{Capabilities, Persistence};

use super::{
    connect::{self, Connected, unusable},
    keeper::keep,
    link::Link,
    options::NatsOptions,
};
use crate::remote::{BrokerUrl, OpenError};

/// What the headers of a message may need besides its envelope, in bytes.
const HEADERS: usize = 4 << 10;

/// Connects, and checks that what is needed is there.
pub(super) async fn open(url: &BrokerUrl, options: NatsOptions, patience: Duration) -> Result<Arc<Link>, OpenError> {
    let Connected { client, events, is_over } = connect::connect(url, &options, patience).await?;
    let capabilities = capabilities(&options, client.max_payload());
    let link = Link::new(client, is_over, options, capabilities, url.to_string());
    tokio::spawn(keep(Arc::clone(&link), events));
    let opened = async {
        let confirmations = link.client.subscribe(format!("{}.a.*", link.room)).await;
        let confirmations = confirmations.map_err(|error| error.to_string())?;
        tokio::spawn(Arc::clone(&link).read_confirmations(confirmations));
        connect::check(&link, patience).await
    };
    if let Err(reason) = opened.await {
        link.close();
        return Err(unusable(url, reason));
    }
    Ok(link)
}

fn capabilities(options: &NatsOptions, max_payload: usize) -> Capabilities {
    let jetstream = !options.core;
    Capabilities {
        broker: if options.core { "nats (core)" } else { "nats" },
        priority: false,
        delay: false,
        redelivery: jetstream,
        prompt_redelivery: false,
        uncounted_release: false,
        regains_place: false,
        dead_letters: jetstream,
        pause: false,
        atomic_reply: false,
        bounded: jetstream,
        confirms: true,
        dead_inbox_known: false,
        persistence: if jetstream && options.storage == "file" { Persistence::Disk } else { Persistence::Memory },
        max_message: options.limits.message_bytes.min(max_payload.saturating_sub(HEADERS)),
    }
}
