//! HTTP as plain as curl's.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// One request on a connection of its own. A body is sent as `curl -d` sends it.
pub(crate) fn http(port: u16, line: &str, body: Option<&str>) -> Response {
    try_http(port, line, body).expect("the gateway takes the connection")
}

/// The same, or nothing if the connection is refused, or closed before a byte of an answer.
pub(crate) fn try_http(port: u16, line: &str, body: Option<&str>) -> Option<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let form = body.map(|body| {
        let length = body.len();
        format!("content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n")
    });
    let head = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n", form.unwrap_or_default());
    let request = [head.as_bytes(), body.unwrap_or_default().as_bytes()].concat();
    stream.write_all(&request).ok()?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if !bytes.is_empty() => panic!("cut off in the middle of an answer: {error}"),
        Err(_) | Ok(0) => return None,
        Ok(_) => {}
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Some(Response { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() })
}
