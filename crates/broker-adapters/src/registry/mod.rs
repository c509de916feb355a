//! What a broker connection knows of the registry.

mod view;

mod link;

pub use self::{link::RegistryLink, view::RegistryView};
