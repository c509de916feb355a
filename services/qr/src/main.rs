//! The process that renders QR codes.

use skyloom::prelude::*;

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(qr::Qr).await
}
