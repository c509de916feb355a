//! A program that runs services without `App::run`, for tests over real processes. `OWN_LOOP` says what it does.

use skyloom::{Foreground, config::Sources, prelude::*};

struct Plain;

#[service(version = 1)]
impl Plain {
    #[handler]
    async fn name(&self) -> Result<Json<String>> {
        Ok(Json("plain".to_owned()))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    match std::env::var("OWN_LOOP").as_deref() {
        // Serves, and says itself that it is ready.
        Ok("serve") => {
            let ended = skyloom::signals::termination()?;
            let settings = Settings::load(&Sources::of_process(None))?;
            let connection = settings.endpoints().connect().await?;
            let running = App::with_settings(settings).serve(Plain).start(&connection).await?;
            skyloom::daemon::ready();
            ended.await;
            running.drain().await;
            Ok(())
        }
        // Waits for what never comes, and heeds no signal meanwhile.
        Ok("wait") => {
            let _foreground = Foreground::start(Settings::load(&Sources::of_process(None))?)?;
            std::future::pending().await
        }
        // Has nothing to do.
        _ => Ok(()),
    }
}
