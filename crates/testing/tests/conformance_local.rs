//! The local adapter and its registry keep every rule, over a real socket.

mod local;

use local::Local;

mod broker {
    use super::Local;
    skyloom_testing::broker_conformance!(Local);
}

mod registry {
    use super::Local;
    skyloom_testing::registry_conformance!(Local);
}
