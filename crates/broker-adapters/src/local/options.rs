//! [`LocalOptions`].

/// How a connection to the broker behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalOptions {
    /// What the broker calls this process in its logs, such as `greeter@alpha`.
    pub name: String,
    /// How many operations may wait for a broker that is away.
    pub held_messages: usize,
    /// How many bytes they may have together.
    pub held_bytes: usize,
}

impl Default for LocalOptions {
    fn default() -> Self {
        // A second's worth of work of a busy process.
        Self { name: String::new(), held_messages: 10_000, held_bytes: 64 << 20 }
    }
}
