//! Several entries of a cluster file that are one service.

use rustix::process::Signal;

use crate::{ground::run, site::Cluster};

#[tokio::test]
async fn two_entries_with_one_queue_share_its_work() {
    let mut cluster = Cluster::new(
        "[broker]\n[services.north]\ncommand = ['HELLO']\nenv = { SKYLOOM_SETTINGS_GREETING = 'Hello' }\n\
         [services.south]\ncommand = ['HELLO']\nenv = { SKYLOOM_SETTINGS_GREETING = 'Howdy' }\n",
    );
    cluster.start_and_wait(&[]).await;
    let instances = run(cluster.command(&["instances", "--json"]), "").await.json();
    let services: Vec<_> = instances.as_array().unwrap().iter().map(|instance| &instance["services"][0]).collect();
    assert_eq!(services, ["greeter.v1.Greeter"; 2], "{instances}");
    // Each of them has its own environment, and either may answer.
    let mut heard = [false; 2];
    for _ in 0..500 {
        let call = ["call", "greeter.v1.Greeter/Hello", r#"{"name":"Ada"}"#];
        let said = run(cluster.command(&call), "").await;
        let at =
            ["{\"text\":\"Hello, Ada!\"}\n", "{\"text\":\"Howdy, Ada!\"}\n"].iter().position(|one| *one == said.out);
        heard[at.unwrap_or_else(|| panic!("{said:?}"))] = true;
        if heard == [true; 2] {
            break;
        }
    }
    assert_eq!(heard, [true; 2], "one of the two has answered 500 calls");
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}
