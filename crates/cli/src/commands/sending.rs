//! How a request is sent: the options that calls and casts share.

use skyloom::{broker::EnqueueOptions, client::Request};

use super::drain::choose;
use crate::{
    failure::Failure,
    method::{Message, MessageArgs, Target, check_json, split_method},
    output::note,
    session::Session,
};

/// The longest header, name and value together; the gateway allows as much for all of them.
const MAX_HEADER: usize = 16 << 10;

/// The method, its message, and what goes with it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SendingArgs {
    /// The method, by its service or queue: greeter.v1.Greeter/Hello or greeter.v1/Hello
    #[arg(value_name = "SERVICE/METHOD")]
    method: String,
    #[command(flatten)]
    message: MessageArgs,
    /// A header for the handler; may be repeated
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header)]
    header: Vec<(String, String)>,
    /// Have this instance do it and no other, by its GUID or the beginning of it
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
    /// Lower is sooner
    #[arg(long, default_value_t = EnqueueOptions::DEFAULT_PRIORITY)]
    priority: u32,
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("{text:?} is no header; write NAME:VALUE, such as accept-language:de"))?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    // The characters of a token in RFC 9110, section 5.6.2.
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("{name:?} cannot be the name of a header; use letters, digits and hyphens"));
    }
    if value.contains(|c: char| c.is_control()) {
        return Err(format!("the value of {name} has a control character; take it out"));
    }
    if text.len() > MAX_HEADER {
        return Err(format!("the header {name} is longer than {} KiB", MAX_HEADER >> 10));
    }
    Ok((name, value.to_owned()))
}

/// A request that is ready to be sent, and how to read its reply.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The method.
    pub(crate) target: Target,
    /// How its messages look.
    pub(crate) message: Message,
    /// The request.
    pub(crate) request: Request,
}

impl SendingArgs {
    /// Reads and checks what needs nobody else.
    ///
    /// # Errors
    /// If the name is that of no method, or the message cannot be read or is no JSON.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        split_method(&self.method)?;
        self.message.read_early()?.map_or(Ok(()), check_json)
    }

    /// Finds the method and encodes the message by its contract.
    ///
    /// # Errors
    /// If there is no such method, or the message is not one that it takes.
    pub(crate) async fn prepare(&self, session: &Session) -> Result<Prepared, Failure> {
        let snapshot = session.snapshot().await?;
        let target = Target::find(&snapshot, &self.method)?;
        let message = Message::of(&target)?;
        let input = self.message.read(&target.name(), || message.shape())?;
        let payload = message.encode(&input)?;
        let codec = target.method.codec;
        let mut request = Request::new(target.channel(), target.method.name.as_str().to_owned(), codec, payload);
        request.idempotent = target.method.idempotent;
        request.enqueue.priority = self.priority;
        for (name, value) in &self.header {
            request.headers_mut().push(name.clone(), value.clone());
        }
        if let Some(prefix) = &self.instance {
            request.set_instance(choose(&snapshot, prefix)?);
        }
        Ok(Prepared { target, message, request })
    }
}

impl Prepared {
    /// Says so if nobody can take the request now; it waits in its queue.
    pub(crate) fn note_if_idle(&self) {
        if !self.target.live && self.request.channel.queue().is_some() {
            let (name, queue) = (&self.target.contract.name, &self.target.contract.queue);
            note(&format!("no instance of {name} is running; the request waits in its queue {queue} until one starts"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        assert_eq!(parse_header("X-Trace: a:b "), Ok(("x-trace".to_owned(), "a:b".to_owned())));
        assert!(parse_header("nothing").unwrap_err().contains("write NAME:VALUE"));
        assert!(parse_header("a b:c").unwrap_err().contains("cannot be the name"));
        assert!(parse_header(":c").unwrap_err().contains("cannot be the name"));
        assert!(parse_header("a:b\r\nc: d").unwrap_err().contains("control character"));
        assert!(parse_header(&format!("a:{}", "x".repeat(20_000))).unwrap_err().contains("longer than 16 KiB"));
    }
}
