//! Who consumes a stream.

use serde_json::json;

use super::{
    api::{ConsumerInfo, ConsumerList},
    ask::AskError,
    link::Link,
};

/// The consumers of a stream, markers included.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// Those of which the server has told something.
    pub(super) known: Vec<ConsumerInfo>,
    /// There are no others. A cluster that has lost a node may be unable to tell of all.
    pub(super) is_complete: bool,
}

impl Link {
    pub(super) async fn consumers(&self, stream: &str) -> Result<Consumers, AskError> {
        let mut all = Consumers { known: Vec::new(), is_complete: true };
        let mut told = 0;
        loop {
            let question = json!({ "offset": told });
            let page: ConsumerList = self.api(&format!("CONSUMER.LIST.{stream}"), Some(question)).await?;
            let (found, missing) = (page.consumers.unwrap_or_default(), page.missing.unwrap_or_default());
            let more = found.len() + missing.len();
            told += more;
            all.is_complete &= missing.is_empty();
            all.known.extend(found);
            if more == 0 || told >= page.total {
                all.is_complete &= told >= page.total;
                return Ok(all);
            }
        }
    }
}
