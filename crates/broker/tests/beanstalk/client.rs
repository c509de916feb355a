//! A client that reads one reply at a time.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// How long anything may take, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a line and waits for the reply.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Puts a job with this body into the used tube.
    pub(crate) fn put(&mut self, line: &str, body: &[u8]) -> String {
        self.send(format!("put {line} {}\r\n", body.len()).as_bytes());
        self.send(&[body, b"\r\n"].concat());
        self.reply()
    }

    /// The next reply, with its body if it has one; what is not text is shown escaped.
    pub(crate) fn reply(&mut self) -> String {
        self.bytes().escape_ascii().to_string()
    }

    /// The body of the job that comes next, which has this number and so many bytes in the reply.
    pub(crate) fn job(&mut self) -> (u64, Vec<u8>) {
        let reply = self.bytes();
        let end = reply.windows(2).position(|two| two == b"\r\n").unwrap();
        let line = std::str::from_utf8(&reply[..end]).unwrap();
        let id = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        (id, reply[end + 2..reply.len() - 2].to_vec())
    }

    fn bytes(&mut self) -> Vec<u8> {
        loop {
            if let Some(length) = length(&self.buffer) {
                return self.buffer.drain(..length).collect();
            }
            let read = self.read();
            assert!(read > 0, "closed after {:?}", self.buffer.escape_ascii().to_string());
        }
    }

    /// The next reply, if it has come.
    pub(crate) fn try_reply(&mut self) -> Option<String> {
        self.stream.set_nonblocking(true).unwrap();
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = self.stream.read(&mut chunk) {
            self.buffer.extend_from_slice(&chunk[..read]);
        }
        self.stream.set_nonblocking(false).unwrap();
        length(&self.buffer).map(|_| self.reply())
    }

    /// Says that nothing more will be sent.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(mut self) -> String {
        while self.read() > 0 {}
        self.buffer.escape_ascii().to_string()
    }

    /// Says goodbye; everything that comes until the broker has closed the connection.
    pub(crate) fn rest_after_quit(mut self) -> String {
        self.send(b"quit\r\n");
        self.rest()
    }

    fn read(&mut self) -> usize {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).unwrap();
        self.buffer.extend_from_slice(&chunk[..read]);
        read
    }
}

/// The length of the first reply, if it is complete.
fn length(buffer: &[u8]) -> Option<usize> {
    let line = buffer.windows(2).position(|two| two == b"\r\n")?;
    let text = std::str::from_utf8(&buffer[..line]).unwrap();
    let words: Vec<&str> = text.split(' ').collect();
    let body = match words.as_slice() {
        ["OK", bytes] | ["RESERVED" | "FOUND", _, bytes] => bytes.parse::<usize>().unwrap() + 2,
        _ => 0,
    };
    let whole = line + 2 + body;
    (buffer.len() >= whole).then_some(whole)
}
