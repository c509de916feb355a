//! beanstalkd, by a client of our own, keeps every rule, against the real server.

use skyloom_testing::load;

mod fixture;

mod by_hand;

mod faults;

mod away;

mod start;

mod jobs;

mod limits;

mod unsaid;

mod conformance {
    use super::fixture::Beanstalkd;
    skyloom_testing::broker_conformance!(Beanstalkd);
}
