//! Opens a connection and starts what serves it.

use std::{sync::Arc, time::Duration};

use super::{
    connect::{self, Connected, unusable},
    guarantees,
    keeper::keep,
    link::Link,
    options::NatsOptions,
};
use crate::remote::{BrokerUrl, OpenError};

/// Connects, and checks that what is needed is there; `without` says what does without JetStream.
pub(super) async fn open(
    url: &BrokerUrl,
    options: NatsOptions,
    patience: Duration,
    without: &str,
) -> Result<Arc<Link>, OpenError> {
    let Connected { client, events, is_over } = connect::connect(url, &options, patience).await?;
    let capabilities = guarantees::capabilities(&options, client.max_payload());
    let link = Link::new(client, is_over, options, capabilities, url.to_string());
    tokio::spawn(keep(Arc::clone(&link), events));
    tokio::spawn(Arc::clone(&link).keep_sending());
    let opened = async {
        let confirmations = link.client.subscribe(format!("{}.a.*", link.room)).await;
        let confirmations = confirmations.map_err(|error| unusable(url, error.to_string()))?;
        tokio::spawn(Arc::clone(&link).read_confirmations(confirmations));
        connect::check(url, &link, patience, without).await
    };
    if let Err(error) = opened.await {
        link.close();
        return Err(error);
    }
    Ok(link)
}
