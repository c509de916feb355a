//! beanstalkd, by a client of our own, keeps every rule, against the real server.

mod fixture;

#[path = "../common/load.rs"]
mod load;

mod by_hand;

mod faults;

mod start;

mod jobs;

mod limits;

mod conformance {
    use super::fixture::Beanstalkd;
    skyloom_testing::broker_conformance!(Beanstalkd);
}
