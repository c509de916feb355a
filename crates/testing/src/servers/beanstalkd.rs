//! beanstalkd, or another server of its protocol.

use super::Launch;

impl Launch {
    /// beanstalkd on a free loopback port, keeping nothing; more of its options can be added.
    ///
    /// # Panics
    /// As [`Launch::new`].
    #[must_use]
    pub fn beanstalkd() -> Self {
        Self::like_beanstalkd("beanstalkd")
    }

    /// As [`Launch::beanstalkd`], another program that takes beanstalkd's options.
    ///
    /// # Panics
    /// As [`Launch::new`].
    #[must_use]
    pub fn like_beanstalkd(program: &str) -> Self {
        let launch = Self::new(program);
        let port = launch.port().to_string();
        launch.args(["-l", "127.0.0.1", "-p", &port])
    }
}
