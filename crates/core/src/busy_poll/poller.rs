//! The task that keeps a runtime from sleeping.

#![allow(
    clippy::disallowed_types,
    reason = "how long to stay awake is a matter of the processor's time, whatever a test says of the clock"
)]

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task,
};

use super::patience::Patience;

/// After so many looks in a row at which there was nothing to do, other processes have the processor before the next: tasks
/// that let others have theirs first come before that.
const QUIET: u32 = 2;

static IS_ON: AtomicBool = AtomicBool::new(true);

/// Says whether this process may stay awake for a moment after something has come; at first it may. All of it, whatever
/// brokers it is connected to.
pub fn set_busy_poll(is_on: bool) {
    IS_ON.store(is_on, Relaxed);
}

/// Keeps this process awake for a moment whenever something has come, because more is likely to come at once, and to be
/// woken takes longer than most of what a message brings about. Meanwhile others have the processor first, tasks as well as
/// processes. Where nothing more comes it is tried less and less often, so that a process that has little to do costs next
/// to nothing.
#[derive(Clone, Debug, Default)]
pub struct BusyPoll(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    patience: Patience,
    /// How often something has come.
    came: u64,
    is_polling: bool,
}

impl BusyPoll {
    /// Something has come, or there is more to do of what has. Nothing happens outside of a runtime, or in one with several
    /// threads: there another thread sleeps that is woken by what comes.
    pub fn came(&self) {
        if !IS_ON.load(Relaxed) {
            return;
        }
        let mut state = self.state();
        state.came = state.came.wrapping_add(1);
        let is_worth_it = state.patience.came(Instant::now());
        if state.is_polling || !is_worth_it {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return;
        }
        state.is_polling = true;
        drop(state);
        runtime.spawn(Polling(self.clone()).poll());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that polls. It may also end with its runtime.
struct Polling(BusyPoll);

impl Polling {
    /// A task that is ready again and again: its runtime looks for what has come instead of sleeping.
    async fn poll(self) {
        let (mut before, mut quiet) = (self.0.state().came, 0);
        loop {
            task::yield_now().await;
            let mut state = self.0.state();
            if state.came != before {
                (before, quiet) = (state.came, 0);
                continue;
            }
            let now = Instant::now();
            if !state.patience.looks_again(now) {
                return;
            }
            drop(state);
            quiet += 1;
            if quiet >= QUIET {
                thread::yield_now();
                self.0.state().patience.waited(now, Instant::now());
            }
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.state().is_polling = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::Builder;

    use super::*;

    /// When a runtime first sleeps after something has come, and how many tasks there were until then.
    fn first_sleep(busy_poll: &BusyPoll) -> (Duration, usize) {
        let slept: Arc<Mutex<Option<Instant>>> = Arc::default();
        let sleeps = Arc::clone(&slept);
        let note = move || {
            sleeps.lock().unwrap().get_or_insert_with(Instant::now);
        };
        let runtime = Builder::new_current_thread().enable_time().on_thread_park(note).build().unwrap();
        runtime.block_on(async {
            let began = Instant::now();
            busy_poll.came();
            busy_poll.came();
            let tasks = Handle::current().metrics().num_alive_tasks();
            tokio::time::sleep(Duration::from_millis(5)).await;
            (slept.lock().unwrap().unwrap() - began, tasks)
        })
    }

    #[test]
    fn a_runtime_stays_awake_unless_it_may_not() {
        let busy_poll = BusyPoll::default();
        let (slept, tasks) = first_sleep(&busy_poll);
        assert!(slept >= Duration::from_micros(150), "{slept:?}");
        assert_eq!(tasks, 1);
        set_busy_poll(false);
        assert_eq!(first_sleep(&BusyPoll::default()).1, 0);
        set_busy_poll(true);
        assert_eq!(first_sleep(&BusyPoll::default()).1, 1, "in another runtime");
        let busy_poll = BusyPoll::default();
        busy_poll.came();
        assert!(!busy_poll.state().is_polling, "outside of a runtime");
        let threads = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        threads.block_on(async { busy_poll.came() });
        assert!(!busy_poll.state().is_polling, "in a runtime with several threads");
    }
}
