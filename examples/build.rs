//! Makes what the guide's Rust includes of the contract that it shows.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    skyloom_build::compile(&["../proto/greeter/v1/greeter.proto"], &["../proto"])?;
    Ok(())
}
