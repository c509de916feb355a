//! The rules for the manifests of the workspace.

pub(crate) mod manifest;

mod edges;
mod inherited;

use self::manifest::Manifest;
use crate::finding::Finding;

/// Everything that is wrong with these manifests.
pub(crate) fn check(manifests: &[Manifest<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = manifests.iter().flat_map(inherited::check).collect();
    findings.extend(edges::check(manifests));
    findings
}
