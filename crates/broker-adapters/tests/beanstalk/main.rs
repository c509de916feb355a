//! beanstalkd, by a client of our own keeps every rule, against the real server.
