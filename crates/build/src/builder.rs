//! The entry: what a build script calls.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use prost_build::{Config, ServiceGenerator};
use prost_reflect::{DescriptorPool, FileDescriptor};
use protox::Compiler;

use crate::{
    BuildError, contract, descriptors,
    generator::{Traits, descriptors_file},
    sources,
};

/// Compiles `.proto` files with the defaults of [`Builder`], from a build script.
///
/// # Errors
/// As for [`Builder::compile`].
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), BuildError> {
    Builder::new().compile(protos, includes)
}

/// Compiles `.proto` files into one file of code for each package, `<package>.rs`.
///
/// A package that refers to messages of another one does so as `super::super::other::v1::Message`,
/// as prost does: nest the modules like the packages, or give the other one an `extern_path`.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    out_dir: Option<PathBuf>,
    extern_paths: Vec<(String, String)>,
    #[cfg(feature = "tonic")]
    tonic: bool,
}

impl Builder {
    /// Writes to `OUT_DIR`, for Skyloom alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the code is written; `OUT_DIR` if not set.
    #[must_use]
    pub fn out_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(path.into());
        self
    }

    /// Refers to the Rust code of a package, or of one message, instead of generating it:
    /// `.extern_path(".common.v1", "::common::v1")`.
    #[must_use]
    pub fn extern_path(mut self, proto: impl Into<String>, rust: impl Into<String>) -> Self {
        self.extern_paths.push((proto.into(), rust.into()));
        self
    }

    /// Whether to generate tonic's gRPC server and client as well; the crate then depends on `tonic`
    /// and `tonic-prost`.
    #[cfg(feature = "tonic")]
    #[must_use]
    pub fn tonic(mut self, yes: bool) -> Self {
        self.tonic = yes;
        self
    }

    /// Reads the files, checks their services, and writes the code and the descriptors. Imports are
    /// looked up in the include directories, then among those that are built in. Cargo is told to run
    /// the build script again if one of the files changes.
    ///
    /// # Errors
    /// If a file is missing or wrong, if a service asks for what a queue cannot do, or if the code
    /// cannot be written.
    pub fn compile(&self, protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), BuildError> {
        let protos: Vec<PathBuf> = protos.iter().map(|path| path.as_ref().to_owned()).collect();
        let includes: Vec<PathBuf> = includes.iter().map(|path| path.as_ref().to_owned()).collect();
        let environment = || env::var_os("OUT_DIR").map(PathBuf::from);
        let out_dir = self.out_dir.clone().or_else(environment).ok_or(BuildError::NoOutDir)?;
        let compiler = sources::read(&protos, &includes)?;
        watch(&compiler).map_err(|source| BuildError::Write { path: PathBuf::from("stdout"), source })?;
        let pool = compiler.descriptor_pool();
        let contracts = contract::read(&pool, |file| path_of(&compiler, file))?;
        let mut config = self.config(&out_dir);
        config.service_generator(Box::new(Traits::new(contracts, self.second_generator())));
        let wrong = |source| BuildError::Write { path: out_dir.clone(), source };
        config.compile_fds(compiler.file_descriptor_set()).map_err(wrong)?;
        write_descriptors(&pool, &out_dir).map_err(wrong)
    }

    fn config(&self, out_dir: &Path) -> Config {
        let mut config = Config::new();
        config
            .out_dir(out_dir)
            .prost_path("::skyloom::__private::prost")
            .prost_types_path("::skyloom::prost_types")
            .bytes(["."])
            .extern_path(".google.api.HttpBody", "::skyloom::HttpBody")
            // A contract need not have a comment on each field, whatever the crate demands of its code.
            .type_attribute(".", "#[allow(missing_docs, unreachable_pub)]");
        for (proto, rust) in &self.extern_paths {
            config.extern_path(proto, rust);
        }
        config
    }

    #[cfg(feature = "tonic")]
    fn second_generator(&self) -> Option<Box<dyn ServiceGenerator>> {
        self.tonic.then(|| tonic_prost_build::configure().service_generator())
    }

    #[cfg(not(feature = "tonic"))]
    fn second_generator(&self) -> Option<Box<dyn ServiceGenerator>> {
        None
    }
}

/// The path of a file, or its name if it is built in.
fn path_of(compiler: &Compiler, file: &FileDescriptor) -> String {
    let known = compiler.files().find(|known| known.name() == file.name());
    let path = known.and_then(|known| known.path()).map(|path| path.display().to_string());
    path.unwrap_or_else(|| file.name().to_owned())
}

/// Tells Cargo which files the code is made of.
fn watch(compiler: &Compiler) -> io::Result<()> {
    for path in compiler.files().filter_map(|file| file.path()) {
        writeln!(io::stdout(), "cargo:rerun-if-changed={}", path.display())?;
    }
    Ok(())
}

fn write_descriptors(pool: &DescriptorPool, out_dir: &Path) -> io::Result<()> {
    let mut packages: Vec<String> = pool.services().map(|service| service.package_name().to_owned()).collect();
    packages.sort();
    packages.dedup();
    for package in packages {
        let bytes = descriptors::of_package(pool, &package).map_err(io::Error::other)?;
        fs::write(out_dir.join(descriptors_file(&package)), bytes)?;
    }
    Ok(())
}
