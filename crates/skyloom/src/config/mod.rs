//! Configuration: built-in default, `skyloom.toml`, environment, flags; the later wins.

mod error;
mod keys;
mod file;
mod layers;
mod settings;

pub use self::{
    error::ConfigError,
    keys::{nearest, parse_duration},
    layers::FILE_VARIABLE,
    settings::{LogFormat, Settings, Sources},
};
