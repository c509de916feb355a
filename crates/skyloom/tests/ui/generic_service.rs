//! A service without fixed types.

use skyloom::prelude::*;

struct Greeter<T>(T);

#[service(version = 1)]
impl<T: Send + Sync + 'static> Greeter<T> {
    #[handler]
    async fn hello(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
