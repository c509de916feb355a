//! The link shortener's process.

use skyloom::{config::Sources, prelude::*};

#[skyloom::main]
async fn main() -> Result<()> {
    if skyloom::about("Shortens links.")? {
        return Ok(());
    }
    let settings = Settings::load(&Sources::of_process(Some("links@1")))?;
    let links = links::Links::new(settings.own()?).await?;
    App::with_settings(settings).serve(links).run().await
}
