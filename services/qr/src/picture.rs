//! From text to a PNG.

use fast_qr::{QRBuilder, qr::QRCodeError};

/// Light modules around the code, as ISO/IEC 18004 asks for.
const QUIET_ZONE: usize = 4;

/// Why a text has no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the text does not fit into a QR code: {0:?}")]
    Code(QRCodeError),
    #[error("the picture cannot be encoded: {0}")]
    Png(#[from] png::EncodingError),
}

/// The QR code of a text as a PNG with one bit a pixel and `scale` pixels a module.
pub(crate) fn png(text: &str, scale: u32) -> Result<Vec<u8>, PictureError> {
    let code = QRBuilder::new(text).build().map_err(PictureError::Code)?;
    let scale = usize::try_from(scale).unwrap_or(1);
    let modules = code.size + 2 * QUIET_ZONE;
    let dark = |row: usize, column: usize| {
        let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < code.size);
        inside(row).zip(inside(column)).is_some_and(|(row, column)| code[row][column].value())
    };
    let mut pixels = Vec::new();
    for row in 0..modules {
        let line = line((0..modules).map(|column| dark(row, column)), scale);
        for _ in 0..scale {
            pixels.extend_from_slice(&line);
        }
    }
    let side = u32::try_from(modules * scale).unwrap_or(u32::MAX);
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(picture)
}

/// One line of pixels, eight to a byte, light is 1.
fn line(modules: impl Iterator<Item = bool>, scale: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = modules.flat_map(|dark| std::iter::repeat_n(!dark, scale));
    for (at, light) in pixels.enumerate() {
        if at % 8 == 0 {
            bytes.push(0);
        }
        if let (true, Some(last)) = (light, bytes.last_mut()) {
            *last |= 0x80 >> (at % 8);
        }
    }
    bytes
}
