//! The role of the embedded broker.

use skyloom::embedded::{Address, Door, DoorOptions};
use skyloom_testing::figures::ready;
use tokio::runtime::Builder;

/// Opens the broker's door at this address.
pub(crate) fn play(address: &str) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let address: Address = address.parse().expect("an address");
        let door = Door::bind(address, DoorOptions::default()).await.expect("the door opens");
        ready("broker");
        door.run(std::future::pending()).await.expect("the broker runs");
    });
}
