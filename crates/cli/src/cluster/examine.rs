//! A cluster file, looked at without running it.

use skyloom::{Endpoints, Settings};

use super::{blueprint::Blueprint, file::ClusterFile, place::Place, source::Sources};
use crate::{failure::Failure, session::Global};

/// What a cluster file that can be run says.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    /// Its parts in the order in which they start.
    pub(crate) parts: Vec<String>,
    /// Its services' names.
    pub(crate) services: Vec<String>,
    /// Whether some of them are built from their sources.
    pub(crate) built: bool,
    /// The gateway's port, if there is one.
    pub(crate) port: Option<u16>,
    /// Where the broker and the registry are that it uses.
    pub(crate) endpoints: Endpoints,
}

/// Reads a cluster file and finds its programs and packages, as `sky` with this configuration would run it.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn examine(place: &Place, global: &Global, settings: &Settings) -> Result<Examined, Failure> {
    let blueprint = Blueprint::new(place.clone(), global, settings);
    let file = blueprint.file(&ClusterFile::text(place.given())?)?;
    let plan = blueprint.plan(&file)?;
    let wanted = file.wanted();
    let found = Sources::find(&wanted, place.folder(), false).await;
    found.map_err(|mistake| blueprint.unfound(&file, &mistake))?;
    Ok(Examined {
        parts: plan.parts.iter().map(|part| part.name.clone()).collect(),
        services: file.services.keys().cloned().collect(),
        built: !wanted.is_empty(),
        port: plan.gateway.map(|address| address.port()),
        endpoints: plan.endpoints,
    })
}
