//! The beginning of a consumer, and how it is stopped.

use std::sync::{Arc, Mutex};

use skyloom_core::{
    Channel,
    broker::{Ack, ConsumeOptions, Consumer, ConsumerControl},
};
use tokio::sync::{Notify, mpsc};

use super::{super::shared::Shared, consumer::Lane, run::run, state::State};

/// Starts a consumer; the [`Ack`] resolves when it gets what there is.
pub(in super::super) fn start(shared: &Arc<Shared>, channel: Channel, options: ConsumeOptions) -> (Consumer, Ack) {
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
    shared.spawn(run(Arc::clone(&lane), started));
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
