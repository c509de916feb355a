//! New projects: the same templates as `cargo generate` uses, within `sky` itself.

mod value;
mod expression;
mod template;
mod library;
mod recipe;
mod name;
mod origin;
mod broker;
mod surroundings;
mod entry;
mod project;
mod command;

pub(crate) use self::command::{NewArgs, new};
