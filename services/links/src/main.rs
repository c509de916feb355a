//! The link shortener's process.

use skyloom::{config::Sources, prelude::*};

#[skyloom::main]
async fn main() -> Result<()> {
    let settings = Settings::load(&Sources::of_process(Some("links@1")))?;
    let links = links::Links::new(settings.own()?).await?;
    App::with_settings(settings).serve(links).run().await
}
