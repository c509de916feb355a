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
pub(crate) mod stranger;

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
mod notice;

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
mod bundle;

#[cfg(any(feature = "nats", feature = "beanstalk"))]
mod absence;

#[cfg(any(feature = "nats", feature = "redis"))]
mod pem;

#[cfg(feature = "redis")]
mod callers;

#[cfg(any(feature = "nats", feature = "redis", feature = "beanstalk"))]
mod load;

#[cfg(any(feature = "nats", feature = "beanstalk"))]
pub(crate) use self::absence::Absence;
#[cfg(feature = "redis")]
pub(crate) use self::bundle::MOST_FRAME;
#[cfg(any(feature = "redis", feature = "beanstalk"))]
pub(crate) use self::bundle::begin_member;
#[cfg(feature = "beanstalk")]
pub(crate) use self::bundle::put_varint;
#[cfg(any(feature = "nats", feature = "amqp"))]
pub(crate) use self::bundle::{BUNDLE_BYTES, Bundle};
#[cfg(feature = "redis")]
pub(crate) use self::callers::{Caller, callers};
#[cfg(any(feature = "nats", feature = "redis", feature = "beanstalk"))]
pub(crate) use self::load::{Load, PARTS};
#[cfg(any(feature = "nats", feature = "redis"))]
pub(crate) use self::pem::check_certificates;
#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
pub(crate) use self::{bundle::members, notice::Notice, pause::Pauses};
pub use self::{
    error::OpenError,
    limits::QueueLimits,
    url::{BrokerUrl, UrlError},
};
