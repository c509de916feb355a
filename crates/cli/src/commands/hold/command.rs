//! The command itself.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
};

use skyloom::telemetry;
use skyloom_gateway::inherited_listener;

use super::keeper::{Keeper, Wishes};
use crate::{failure::Failure, session::Global, text::why};

/// Hold a listening socket while the program behind it is replaced: a gateway's restart that nobody sees
///
/// It listens, and runs the program with the socket (LISTEN_FDS). On SIGUSR2 (or SIGALRM, which is `svc -a`) it
/// starts the program anew, waits until that says that it is ready (NOTIFY_SOCKET), and then asks the old one to
/// drain. Connections that come meanwhile wait in the socket for whoever takes them. If the program ends by itself,
/// it is started anew. SIGHUP is passed on; SIGTERM ends both. The program must use the socket and tell that it is
/// ready, as `sky gateway` does: sky hold --listen 127.0.0.1:8080 -- sky gateway
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct HoldArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Holds a socket until a signal ends it.
///
/// # Errors
/// If it cannot listen, or the program ends before it was ever ready.
pub(crate) async fn hold(args: &HoldArgs, global: &Global) -> Result<(), Failure> {
    let settings = global.settings()?;
    telemetry::init(&settings.log, settings.log_format).map_err(|error| Failure::usage(error.to_string()))?;
    let listener = match inherited_listener().map_err(|error| Failure::usage(error.to_string()))? {
        Some(listener) => listener,
        None => listen(&args.listen)?,
    };
    let refused = |what: &str, error: std::io::Error| Failure::failed(format!("{what}: {}", why(&error)));
    let wishes = Wishes::new().map_err(|error| refused("cannot listen to signals", error))?;
    tracing::info!("holding {} for {}", args.listen, args.command.join(" "));
    let environment = global.as_variables();
    let keeper = Keeper { command: args.command.clone(), environment, listener, wishes };
    let program = args.command.first().cloned().unwrap_or_default();
    let status = keeper.run().await.map_err(|error| refused(&format!("cannot run {program}"), error))?;
    ended(&program, status)
}

fn listen(text: &str) -> Result<TcpListener, Failure> {
    let address: SocketAddr = text.parse().map_err(|_| {
        Failure::usage(format!("{text:?} is no address to listen on; write HOST:PORT, such as 127.0.0.1:8080"))
    })?;
    if !address.ip().to_canonical().is_loopback() {
        let why = "can be reached from other hosts, which needs TLS and authentication, and this version has neither";
        return Err(Failure::usage(format!("{address} {why}: listen on 127.0.0.1 or [::1]")));
    }
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::Temporary(format!("{address} is taken: stop what listens there or choose another address"))
        }
        _ => Failure::failed(format!("cannot listen on {address}: {}", why(&error))),
    })
}

/// The program's end becomes the holder's own.
fn ended(program: &str, status: ExitStatus) -> Result<(), Failure> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => {
            let sentence = format!("{program} ended with exit code {code}; its last lines say why");
            Err(match u8::try_from(code) {
                Ok(skyloom::exit::TEMPORARY) => Failure::Temporary(sentence),
                Ok(skyloom::exit::MISTAKE) => Failure::Usage(sentence),
                _ => Failure::Failed(sentence),
            })
        }
        (None, signal) => Err(Failure::failed(format!("{program} was ended by signal {}", signal.unwrap_or_default()))),
    }
}
