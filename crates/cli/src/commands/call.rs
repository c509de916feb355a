//! `sky call`: one request, and its reply or replies.

use std::time::Duration;

use skyloom::{
    client::{Request, Response},
    config::shown,
};

use super::sending::{Prepared, SendingArgs};
use crate::{
    failure::Failure,
    output::{note, print},
    session::Session,
    text::parse_timeout,
};

/// Call a method with JSON, and print its reply as JSON
///
/// The replies of a streaming method are printed line by line as they come; Ctrl-C ends the stream.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
    /// How long the call may take, such as 500ms or 2s [default: the method's own, or 10s]
    #[arg(long, value_name = "TIME", value_parser = parse_timeout, allow_hyphen_values = true)]
    timeout: Option<Duration>,
    /// Say on standard error who answered and what it cost
    #[arg(short, long)]
    verbose: bool,
}

/// Calls a method and prints what it answers.
///
/// # Errors
/// The status that the call ended with.
pub(crate) async fn call(args: &CallArgs, session: &Session) -> Result<(), Failure> {
    let mut prepared = args.sending.prepare(session).await?;
    prepared.request.timeout = args.timeout.or(prepared.target.method.timeout_ms.map(Duration::from_millis));
    prepared.note_if_idle();
    let request = prepared.request.clone();
    if prepared.target.method.streaming {
        return stream(args, session, &prepared, request).await;
    }
    let response = match session.client().call(request).await {
        Ok(response) => response,
        Err(status) => {
            if args.verbose {
                note(&format!("ledger: {}", status.ledger()));
            }
            return Err(status.into());
        }
    };
    if args.verbose {
        explain(&response);
    }
    print_reply(&prepared, &response)
}

async fn stream(args: &CallArgs, session: &Session, prepared: &Prepared, request: Request) -> Result<(), Failure> {
    let interrupted = async {
        // Without a way to hear of Ctrl-C, it ends the process as ever.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    tokio::pin!(interrupted);
    let client = session.client();
    // Dropping the stream, or the wait for its start, tells the worker to stop.
    let mut replies = tokio::select! {
        replies = client.stream(request) => replies?,
        () = &mut interrupted => return Ok(()),
    };
    loop {
        let next = tokio::select! {
            next = replies.next() => next,
            () = &mut interrupted => return Ok(()),
        };
        match next {
            Some(response) => {
                let response = response?;
                if args.verbose {
                    explain(&response);
                }
                print_reply(prepared, &response)?;
            }
            None => break,
        }
    }
    if args.verbose {
        note(&format!("ledger: {}", replies.ledger()));
    }
    Ok(())
}

fn print_reply(prepared: &Prepared, response: &Response) -> Result<(), Failure> {
    let mut line = prepared.message.decode(response)?;
    line.push('\n');
    print(&line)
}

fn explain(response: &Response) {
    let origin = response.origin.map_or_else(|| "an unknown instance".to_owned(), |guid| guid.to_string());
    note(&format!("answered by {origin}, attempt {}; ledger: {}", response.attempt, response.ledger));
    for (name, value) in response.headers.iter() {
        note(&format!("header {name}: {}", crate::text::printable(&shown(name, value))));
    }
}
