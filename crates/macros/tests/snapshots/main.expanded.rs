/// Starts it.
fn main() -> ::std::process::ExitCode {
    async fn main() -> Result<()> {
        skyloom::serve(Greeter).await
    }
    ::skyloom::__private::run(
        ::core::option::Option::None,
        ::core::option_env!("CARGO_PKG_VERSION"),
        main(),
    )
}
