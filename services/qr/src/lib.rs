//! Renders QR codes: a stateless contract-first service whose reply is raw bytes.

pub mod contract;
mod picture;
mod service;

pub use self::service::Qr;
