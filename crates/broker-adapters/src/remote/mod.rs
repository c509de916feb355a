//! What the adapters of brokers on the network have in common: the URL that names a broker and its
//! options, why there is no connection, pauses between attempts to connect, and what a worker tells a
//! caller who gets no reply.

mod suggest;

mod url;

mod limits;

mod error;

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
mod pause;

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
mod notice;

#[cfg(any(feature = "redis", feature = "beanstalk"))]
mod bundle;

#[cfg(any(feature = "redis", feature = "beanstalk"))]
mod load;

#[cfg(feature = "beanstalk")]
pub(crate) use self::bundle::{begin_member, put_varint};
#[cfg(any(feature = "redis", feature = "beanstalk"))]
pub(crate) use self::{bundle::members, load::Load};
pub use self::{
    error::OpenError,
    limits::QueueLimits,
    url::{BrokerUrl, UrlError},
};
#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
pub(crate) use self::{notice::Notice, pause::Pauses};
