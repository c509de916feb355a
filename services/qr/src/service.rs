//! The renderer.

use skyloom::prelude::*;

use crate::{
    contract::{self, RenderRequest},
    picture::png,
};

/// The longest text, in bytes; the largest QR code holds 2,953.
const MAX_TEXT: usize = 1_000;

/// Pixels for each module of the code if the caller does not say.
const DEFAULT_SCALE: u32 = 8;

/// The most pixels for each module: a picture of at most 25 megapixels of one bit each.
const MAX_SCALE: u32 = 32;

/// Renders QR codes as PNG.
#[derive(Clone, Copy, Debug, Default)]
pub struct Qr;

#[service]
impl contract::Qr for Qr {
    async fn render(&self, _ctx: Context, request: RenderRequest) -> Result<HttpBody> {
        let length = request.text.len();
        if length == 0 {
            return Err(Status::invalid_argument("text is missing: say what the code is to say"));
        }
        if length > MAX_TEXT {
            let message = format!("text has {length} bytes; a code says at most {MAX_TEXT}");
            return Err(Status::invalid_argument(message));
        }
        let scale = if request.scale == 0 { DEFAULT_SCALE } else { request.scale };
        if scale > MAX_SCALE {
            return Err(Status::invalid_argument(format!("scale is {scale}; it is at most {MAX_SCALE}")));
        }
        let picture = png(&request.text, scale).map_err(|error| Status::internal(error.to_string()))?;
        Ok(HttpBody::new("image/png", picture))
    }
}
