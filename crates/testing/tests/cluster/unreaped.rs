//! Processes that have ended and that nobody has asked how, such as in a container whose first process waits for none
//! but its own.

use std::{fs, process::Command};

use crate::{
    cluster::{said, script},
    kit::eventually,
};

#[tokio::test]
async fn a_cluster_that_has_ended_is_not_said_to_run_although_nobody_has_waited_for_it() {
    let run = tempfile::tempdir().unwrap();
    let mut ended = Command::new("true").spawn().unwrap();
    let id = ended.id();
    let status = || fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    eventually("it has ended", || async { status().contains("State:\tZ") }).await;
    fs::write(run.path().join("cluster.pid"), format!("{id}\n")).unwrap();
    // And so has a process of its own.
    fs::write(run.path().join("state.json"), format!("{{\n    \"pid\": {id}\n}}\n")).unwrap();
    let refused = script(run.path(), &["status"]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains("the cluster is not running; start it with "), "{}", said(&refused));
    let down = script(run.path(), &["down"]);
    assert!(down.status.success() && said(&down) == "The cluster is not running.\n", "{}", said(&down));
    ended.wait().unwrap();
}
