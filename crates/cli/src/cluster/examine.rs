//! A cluster file, looked at without running it.

use skyloom::Endpoints;

use super::{file::ClusterFile, place::Place, plan::Plan, source::Sources};
use crate::failure::Failure;

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

/// Reads a cluster file and finds its programs and packages. The endpoints are for what the file does not say.
///
/// # Errors
/// What is wrong with it.
pub(crate) async fn examine(place: &Place, endpoints: &Endpoints) -> Result<Examined, Failure> {
    let file = ClusterFile::read(place.given())?;
    let plan = Plan::new(&file, place.folder(), endpoints)?;
    let wanted = file.wanted();
    Sources::find(&wanted, place.folder(), false)
        .await
        .map_err(|mistake| Failure::usage(file.wrong(&mistake.part, &mistake.sentence)))?;
    Ok(Examined {
        parts: plan.parts.iter().map(|part| part.name.clone()).collect(),
        services: file.services.keys().cloned().collect(),
        built: !wanted.is_empty(),
        port: plan.gateway.map(|address| address.port()),
        endpoints: plan.endpoints,
    })
}
