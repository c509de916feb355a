//! Telling other servers from RabbitMQ by what they say first.

use crate::remote::stranger;

/// What a server is, if its first bytes are not those of AMQP 0-9-1.
pub(super) fn foreign(first: &[u8]) -> Option<String> {
    match first {
        [1, 0, 0, ..] | [1] | [1, 0] => None,
        [b'A', b'M', b'Q', b'P', ..] => {
            Some("it speaks another version of AMQP; RabbitMQ and its relatives speak 0-9-1".to_owned())
        }
        [0x15, 3, ..] => Some("it expects TLS; write amqps://".to_owned()),
        _ => Some(not_ours(stranger::kind(first).unwrap_or("something else"))),
    }
}

/// What a server is that says nothing to the greeting of AMQP, if it is of another kind. It is asked by the way.
pub(super) async fn foreign_at(host: &str) -> Option<String> {
    match stranger::first_words(host).await {
        amqp if amqp.starts_with(b"AMQP") => None,
        tls if tls.starts_with(&[0x15, 3]) => foreign(&tls),
        said => stranger::kind(&said).map(not_ours),
    }
}

fn not_ours(kind: &str) -> String {
    format!("it is {kind} and not a server of AMQP 0-9-1; check host and port")
}

#[cfg(test)]
mod tests {
    use super::foreign;

    #[test]
    fn others_are_known_by_their_first_words() {
        assert_eq!(foreign(&[1, 0, 0, 0, 0, 1, 0xF0]), None);
        let says = |first: &[u8], part: &str| assert!(foreign(first).unwrap().contains(part), "{first:?}");
        says(b"HTTP/1.1 400 Bad Request", "HTTP");
        says(b"INFO {\"server_id\":", "NATS");
        says(b"-ERR unknown command", "Redis");
        says(b"UNKNOWN_COMMAND\r\n", "beanstalkd");
        says(b"AMQP\x03\x01\x00\x00", "another version");
        says(&[0x15, 3, 3, 0, 2], "amqps://");
        says(b"220 mail", "something else");
    }
}
