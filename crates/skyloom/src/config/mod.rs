//! Configuration: built-in default, `skyloom.toml`, environment, flags; the later wins.

mod error;
mod keys;
mod file;
mod layers;
mod settings;
mod origins;

pub use self::{
    error::ConfigError,
    keys::{nearest, parse_duration},
    layers::FILE_VARIABLE,
    origins::{Origin, origins},
    settings::{LogFormat, Settings, Sources},
};
