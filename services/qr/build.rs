//! Makes messages, service trait and client of the contract.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    skyloom_build::compile(&["../../proto/qr/v1/qr.proto"], &["../../proto"])?;
    Ok(())
}
