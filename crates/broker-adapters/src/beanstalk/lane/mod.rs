//! A consumer: one connection that takes jobs, and settles them, since beanstalkd lets nobody else do that.
//!
//! A connection that waits in `reserve` reads nothing more until it is answered. So it waits only when there is
//! nothing else to say; and what comes up meanwhile ends the wait by an empty job in a tube that only this
//! connection watches. While there is work, `reserve-with-timeout 0` travels with what is settled.

mod todo;

mod state;

mod settle;

mod plan;

mod receive;

mod run;

use std::sync::{Arc, Mutex};

use skyloom_core::{
    Channel,
    broker::{Ack, ConsumeOptions, Consumer, ConsumerControl},
};
use tokio::sync::{Notify, mpsc};

use self::state::State;
use super::shared::{Shared, lock};

/// A consumer of a channel.
struct Lane {
    shared: Arc<Shared>,
    channel: Channel,
    tube: String,
    /// Watched by this connection only.
    wake: String,
    options: ConsumeOptions,
    state: Mutex<State>,
    news: Notify,
}

/// Starts a consumer; the [`Ack`] resolves when it gets what there is.
pub(super) fn start(shared: &Arc<Shared>, channel: Channel, options: ConsumeOptions) -> (Consumer, Ack) {
    let (deliveries, stream) = mpsc::unbounded_channel();
    let (started, ack) = Ack::waiting();
    let names = &shared.options.names;
    let lane = Arc::new(Lane {
        shared: Arc::clone(shared),
        tube: names.work(&channel),
        wake: names.wake(),
        options: ConsumeOptions { credit: options.credit.max(1), ..options },
        channel,
        state: Mutex::new(State::new(deliveries)),
        news: Notify::new(),
    });
    shared.spawn(run::run(Arc::clone(&lane), started));
    (Consumer::new(stream, Arc::new(Control(lane))), ack)
}

struct Control(Arc<Lane>);

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        let (stopped, ack) = Ack::waiting();
        self.0.change(|state| state.stop(stopped));
        ack
    }
}

impl Lane {
    /// Changes the state and has the connection look at it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let result = change(&mut state);
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        self.news.notify_one();
        if waits {
            self.shared.wake(&self.wake);
        }
        result
    }
}
