//! Configuration: built-in default, `skyloom.toml`, environment, flags; the later wins.

mod error;
mod nearest;
mod secrets;
mod filter;
mod keys;
mod file;
mod layers;
mod own_settings;
mod settings;
mod section;
mod origins;
mod own;
mod changes;
mod reference;

pub use self::{
    changes::Change,
    error::ConfigError,
    file::read_file,
    filter::parse_filter,
    keys::{parse_duration, parse_duration_within},
    layers::FILE_VARIABLE,
    nearest::nearest,
    origins::{Origin, origins},
    own_settings::OwnSettings,
    reference::reference,
    secrets::{is_secret, shown, shown_mistake, without_password},
    section::{Section, section_of, service_sections},
    settings::{LogFormat, Settings, Sources},
};
