//! What the `build.rs` of a contract-first service does, as a program that is built with the tests: compiles the contract
//! that it is given into `OUT_DIR`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let contracts: Vec<String> = std::env::args().skip(1).collect();
    skyloom_build::compile(&contracts, &["."])?;
    Ok(())
}
