//! `sky up` says what is in a cluster's way.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;

use crate::{
    ground::{command, until},
    site::{Cluster, free_port},
};

async fn end(mut cluster: Cluster) {
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn who_waits_for_whom_is_said() {
    let file = "[broker]\n[gateway]\nport = PORT\n[services.bad]\ncommand = ['sh', '-c', 'exit 3']\n\
                [services.good]\ncommand = ['HELLO']\nafter = ['bad']\n[services.idle]\ncommand = ['sleep', '600']\n";
    let mut cluster = Cluster::new(file);
    cluster.start(&[]);
    cluster.says("not started yet: good.1, gateway; waiting for bad.1, idle.1\n").await;
    let slow = "idle.1 has run for 10s and is not ready yet: it is when the cluster's broker lists it as an instance of a \
                service; its own lines may say what is in the way\n";
    cluster.says(slow).await;
    cluster.says("bad.1 ended with exit code 3, for the 5th time in a row").await;
    cluster.says("until it stays; it has written nothing\n").await;
    end(cluster).await;
}

#[tokio::test]
async fn a_program_that_the_system_does_not_start_is_named_with_the_reason() {
    let mut cluster = Cluster::new("[broker]\n[services.bad]\ncommand = ['./start']\n");
    fs::write(cluster.path("start"), "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(cluster.path("start"), fs::Permissions::from_mode(0o755)).unwrap();
    cluster.start(&[]);
    let why = format!("bad.1 cannot be started: {} is there, but not what runs it: ", cluster.path("start").display());
    cluster.says(&why).await;
    fs::remove_file(cluster.path("start")).unwrap();
    cluster.says(&format!("bad.1 cannot be started: {} does not exist", cluster.path("start").display())).await;
    end(cluster).await;

    let cluster = Cluster::new("[broker]\n[gateway]\nport = PORT\ncommand = ['./start']\n");
    fs::write(cluster.path("start"), "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(cluster.path("start"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = cluster.refused(&[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("sky: gateway cannot be started: "), "{said:?}");
    assert!(said.err.contains(", and the cluster cannot do without it: "), "{said:?}");
    assert!(!said.err.contains("before it was ready"), "{said:?}");
}

#[tokio::test]
async fn a_broker_that_does_not_come_is_named_once() {
    let mut cluster = Cluster::new("[services.idle]\ncommand = ['sleep', '600']\n");
    let url = format!("nats://127.0.0.1:{}", free_port());
    let mut up = command();
    up.args(["--broker", &url, "up", "cluster.toml", "--dir", "run"]).current_dir(cluster.path(""));
    cluster.start_as(up);
    cluster.says("; it is tried again and again\n").await;
    assert!(cluster.screen().contains(&format!("sky    | no broker at {url}")), "{}", cluster.screen());
    until("the service", || cluster.process("idle.1")["starts"] == 1).await;
    assert_eq!(cluster.screen().matches("again and again").count(), 1);
    end(cluster).await;
}
