//! A cluster in the test's own process.

#[cfg(feature = "paused")]
mod clock;
mod patience;
mod alarm;
mod target;
mod journal;
mod fault;
mod seat;
mod plan;
mod served;
mod shared;
mod text;
mod unmet;
mod tap;
mod probe;
mod fake;
mod instance;
mod message;
mod seen;
mod hook;
mod hold;
mod dead;
mod full;
mod http;
mod left;
mod running;
mod builder;

pub use self::{
    builder::TestCluster,
    dead::{DeadLetters, Letter},
    fault::Fault,
    full::Full,
    hold::{Held, Hold},
    hook::Hook,
    http::{Http, HttpRequest, HttpResponse, HttpStream},
    message::Message,
    running::Cluster,
    seen::Seen,
    target::{Target, Topic, method, topic},
};
