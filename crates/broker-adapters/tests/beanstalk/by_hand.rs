//! A client that says and hears exactly what is written.

use skyloom_testing::servers::Server;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// A connection by hand.
pub(crate) struct ByHand(BufReader<TcpStream>);

impl ByHand {
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server is there");
        Self(BufReader::new(stream))
    }

    /// Sends a command, and returns the line that answers it.
    pub(crate) async fn say(&mut self, command: &str) -> String {
        self.say_bytes(command.as_bytes(), b"").await
    }

    /// Puts a job into the tube that is used.
    pub(crate) async fn put(&mut self, body: &[u8]) -> String {
        self.put_to_run(30, body).await
    }

    /// The same, with so many seconds to run.
    pub(crate) async fn put_to_run(&mut self, ttr: u64, body: &[u8]) -> String {
        self.say_bytes(format!("put 1024 0 {ttr} {}", body.len()).as_bytes(), &[body, b"\r\n"].concat()).await
    }

    async fn say_bytes(&mut self, command: &[u8], body: &[u8]) -> String {
        let bytes = [command, b"\r\n", body].concat();
        self.0.get_mut().write_all(&bytes).await.expect("the server reads");
        let mut line = String::new();
        self.0.read_line(&mut line).await.expect("the server answers");
        line.trim_end().to_owned()
    }

    /// The body that follows a line whose last word is its length.
    pub(crate) async fn body(&mut self, line: &str) -> Vec<u8> {
        let length: usize = line.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a length");
        let mut body = vec![0; length + 2];
        self.0.read_exact(&mut body).await.expect("the body");
        body.truncate(length);
        body
    }

    /// The names of all tubes.
    pub(crate) async fn tubes(&mut self) -> Vec<String> {
        let line = self.say("list-tubes").await;
        let body = String::from_utf8(self.body(&line).await).expect("text");
        body.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
    }
}
