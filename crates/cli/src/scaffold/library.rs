//! The templates that `sky` carries.

/// A template: a folder of `templates/`.
#[derive(Debug)]
pub(super) struct Template {
    /// The folder's name.
    pub(super) name: &'static str,
    /// Its files.
    pub(super) files: &'static [File],
}

/// A file of a template.
#[derive(Debug)]
pub(super) struct File {
    /// Its path within the template.
    pub(super) path: &'static str,
    /// Its text.
    pub(super) text: &'static str,
    /// Whether it is a program.
    pub(super) executable: bool,
}

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The template of this name.
pub(super) fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

impl Template {
    /// The text of one of its files.
    pub(super) fn text(&self, path: &str) -> Option<&'static str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text)
    }
}
