//! beanstalkd, by a client of our own.
