//! Makes messages, service trait and client of the contract.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    skyloom_build::compile(&["../../proto/greeter/v1/greeter.proto"], &["../../proto"])?;
    Ok(())
}
