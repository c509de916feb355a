//! `skyloom.toml` is edited while `sky up` runs its services.

use std::fs;

use rustix::process::Signal;

use crate::{
    ground::until,
    site::{Cluster, pid},
};

const MISTAKE: &str = "the settings of what runs stay as they are, for there is a mistake: ";

const FILE: &str = "[broker]\n[gateway]\nport = PORT\n[services.hello]\ncommand = ['HELLO']\n\
                    [services.other]\ncommand = ['sh', '-c', 'exec HELLO']\n\
                    env = { SKYLOOM_SETTINGS_BYSTANDER = 'true', SKYLOOM_LEASE = '20s' }\n";

#[tokio::test]
async fn only_those_are_replaced_whose_configuration_changed() {
    let mut cluster = Cluster::new(FILE);
    cluster.start_and_wait(&["--watch"]).await;
    let ids = |cluster: &Cluster| ["gateway", "hello.1", "other.1"].map(|name| pid(&cluster.process(name)));
    let mut before = ids(&cluster);
    let (hello, other) = ("[service.'greeter@1']\nlease = '7s'\n", "[service.'bystander@1']\nregion = 'eu'\n");
    for (text, replaced) in [
        (hello.to_owned(), "replacing hello"),
        (format!("{hello}{other}"), "replacing other"),
        (format!("{hello}{other}[service.'third@1']\nlease = '8s'\n"), "nothing that runs is concerned"),
        // Whoever has a key of its own is not concerned by another's.
        (format!("{hello}{other}[service]\nlease = '9s'\n"), "replacing gateway"),
        (
            format!("{hello}{other}[service]\nlease = '9s'\n[service.'gateway@1']\ntimeout = '3s'\n"),
            "replacing gateway",
        ),
        (format!("{hello}{other}[default]\nconcurrency = 3\n"), "replacing gateway, hello, other"),
    ] {
        let sentence = format!("skyloom.toml changed; {replaced}\n");
        let said = |cluster: &Cluster| cluster.screen().matches(&sentence).count();
        let earlier = said(&cluster);
        fs::write(cluster.path("skyloom.toml"), text).unwrap();
        until(replaced, || said(&cluster) > earlier).await;
        let concerned = |name: &str| replaced.contains(name);
        let expected = [concerned("gateway"), concerned("hello"), concerned("other")];
        until("those to be replaced", || {
            let now = ids(&cluster);
            (0..3).all(|place| now[place].is_some() && (now[place] != before[place]) == expected[place])
                && cluster.state()["ready"] == true
        })
        .await;
        before = ids(&cluster);
    }
    // Where the broker and its registry are has been told to everybody, and is no reason to replace anybody.
    let nothing = "skyloom.toml changed; nothing that runs is concerned\n";
    let said = |cluster: &Cluster| cluster.screen().matches(nothing).count();
    let earlier = said(&cluster);
    let text = format!("{hello}{other}[default]\nconcurrency = 3\nregistry = 'nats://127.0.0.1:1'\n");
    fs::write(cluster.path("skyloom.toml"), text).unwrap();
    cluster.says("says about the broker or the registry takes a restart: end the cluster and start it again").await;
    until(nothing, || said(&cluster) > earlier).await;
    assert_eq!(ids(&cluster), before);
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_replaces_nobody_and_is_told_to_whoever_asks() {
    let mut cluster = Cluster::new("[broker]\n[services.hello]\ncommand = ['HELLO']\n");
    fs::write(cluster.path("skyloom.toml"), "[default]\nlog = 'debug'\n").unwrap();
    cluster.start_and_wait(&["--watch"]).await;
    let before = cluster.process("hello.1");
    fs::write(cluster.path("skyloom.toml"), b"[default]\nlog = '\xff'\n").unwrap();
    let mistake = format!("{MISTAKE}cannot read {}: ", cluster.path("skyloom.toml").display());
    cluster.says(&mistake).await;
    cluster.signal(Signal::HUP);
    until("the mistake", || cluster.screen().matches(&mistake).count() == 2).await;
    fs::write(cluster.path("skyloom.toml"), "[default]\nlog = 'debug'\n").unwrap();
    cluster.says("skyloom.toml changed; nothing that runs is concerned\n").await;
    assert_eq!(cluster.process("hello.1"), before);
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}
