//! Telling other servers from RabbitMQ by what they say first.

/// What a server is, if its first bytes are not those of AMQP 0-9-1.
pub(super) fn foreign(first: &[u8]) -> Option<String> {
    let is = |what: &str| Some(format!("it is {what} and not a server of AMQP 0-9-1; check host and port"));
    match first {
        [1, 0, 0, ..] | [1] | [1, 0] => None,
        [b'A', b'M', b'Q', b'P', ..] => {
            Some("it speaks another version of AMQP; RabbitMQ and its relatives speak 0-9-1".to_owned())
        }
        [0x15, 3, ..] => Some("it expects TLS; write amqps://".to_owned()),
        [b'H', b'T', b'T', b'P', ..] | [b'<', ..] => is("an HTTP server"),
        [b'I', b'N', b'F', b'O', b' ', ..] => is("a NATS server"),
        [b'-', ..] => is("a Redis server"),
        [b'U', b'N', b'K', b'N', b'O', b'W', b'N', ..] | [b'B', b'A', b'D', b'_', ..] => is("a beanstalkd server"),
        [b'S', b'S', b'H', ..] => is("an SSH server"),
        _ => is("something else"),
    }
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
