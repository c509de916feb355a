//! What a client does when the caller says nothing.

use std::time::Duration;

/// A client's defaults and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientOptions {
    /// How long a call may take if neither the caller nor the method says. Default 10 s.
    pub timeout: Duration,
    /// The longest timeout a caller may ask for. Default 1 h.
    pub max_timeout: Duration,
    /// How many calls may be under way at once. Default 100,000.
    pub max_pending: usize,
    /// How many messages of one stream may wait for their reader. Default 4,096.
    pub stream_buffer: usize,
    /// How many bytes of one stream may wait for their reader; one message has room, however large it is. Default 64 MiB.
    pub stream_buffer_bytes: usize,
    /// When and how to try again.
    pub retry: RetryPolicy,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            max_timeout: Duration::from_secs(3600),
            max_pending: 100_000,
            stream_buffer: 4096,
            stream_buffer_bytes: 64 << 20,
            retry: RetryPolicy::default(),
        }
    }
}

/// When and how a call is tried again: only if it certainly was not executed, or if its method is
/// idempotent; with full jitter; and within a budget for the whole client, so that retries cannot
/// become a storm.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 1 never retries. Default 3.
    pub attempts: u32,
    /// The upper bound of the first pause; it doubles with each attempt. Default 20 ms.
    pub base: Duration,
    /// The upper bound of every pause. Default 1 s.
    pub cap: Duration,
    /// Retries for each call made, on average. Default 0.2, as Finagle and Linkerd have it.
    pub budget: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(20), cap: Duration::from_secs(1), budget: 0.2 }
    }
}
