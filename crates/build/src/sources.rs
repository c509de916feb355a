//! Reads `.proto` files and all they import.

use std::path::{Path, PathBuf};

use protox::{
    Compiler, Error,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver},
};

use crate::BuildError;

/// Compiles the files; imports are looked up in the include directories, then among the built-in
/// ones.
pub(crate) fn read(protos: &[PathBuf], includes: &[PathBuf]) -> Result<Compiler, BuildError> {
    let mut resolver = ChainFileResolver::new();
    for include in includes {
        resolver.add(IncludeFileResolver::new(include.clone()));
    }
    resolver.add(Annotations);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    for proto in protos {
        compiler.open_file(proto).map_err(|error| explain(&error, proto, includes))?;
    }
    Ok(compiler)
}

/// The compiler's message with the path of the file that is at fault, so that an editor finds it.
fn explain(error: &Error, proto: &Path, includes: &[PathBuf]) -> BuildError {
    let message = format!("{error:?}");
    let directories = || includes.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let place = error.file().and_then(|name| {
        let path = includes.iter().map(|include| include.join(name)).find(|path| path.exists())?;
        Some((message.strip_prefix(name)?, path))
    });
    BuildError::Proto(match place {
        Some((rest, path)) if error.is_file_not_found() => {
            format!("{}{rest}; the include directories are {}", path.display(), directories())
        }
        Some((rest, path)) => format!("{}{rest}", path.display()),
        None if !proto.exists() => format!("{} does not exist", proto.display()),
        None if error.is_file_not_found() => {
            format!("{} is in none of the include directories: {}", proto.display(), directories())
        }
        None => message,
    })
}

/// Google's API annotations.
struct Annotations;

impl FileResolver for Annotations {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        let source = match name {
            "google/api/annotations.proto" => include_str!("../../../proto/google/api/annotations.proto"),
            "google/api/http.proto" => include_str!("../../../proto/google/api/http.proto"),
            "google/api/httpbody.proto" => include_str!("../../../proto/google/api/httpbody.proto"),
            _ => return Err(Error::file_not_found(name)),
        };
        File::from_source(name, source)
    }
}
