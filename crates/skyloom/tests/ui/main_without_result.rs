//! A main function that cannot fail.

#[skyloom::main]
async fn main() {}
