//! Makes messages, service traits and clients of this service's contract and of the one it calls.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    skyloom_build::compile(&["../../proto/links/v1/links.proto", "../../proto/qr/v1/qr.proto"], &["../../proto"])?;
    Ok(())
}
