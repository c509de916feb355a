//! beanstalkd.

use super::Launch;

impl Launch {
    /// beanstalkd on a free loopback port, keeping nothing; more of its options can be added.
    ///
    /// # Panics
    /// As [`Launch::new`].
    #[must_use]
    pub fn beanstalkd() -> Self {
        let launch = Self::new("beanstalkd");
        let port = launch.port().to_string();
        launch.args(["-l", "127.0.0.1", "-p", &port])
    }
}
