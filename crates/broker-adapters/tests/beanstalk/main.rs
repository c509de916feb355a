//! beanstalkd, by a client of our own, keeps every rule, against the real server.

mod fixture;

mod conformance {
    use super::fixture::Beanstalkd;
    skyloom_testing::broker_conformance!(Beanstalkd);
}
