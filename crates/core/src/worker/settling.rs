//! Settlements that the broker has still to confirm.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use slab::Slab;

use super::in_flight::Guard;
use crate::broker::{Ack, BrokerError};

/// The settlements of one channel that the broker has still to confirm, awaited together by whoever takes from the
/// channel: a settlement that has to be awaited costs no task, and once there have been as many at once, no
/// allocation. What is left when this is dropped is awaited nevertheless.
pub(super) struct Settling(Waiting);

/// The same, given up when it is dropped.
struct Waiting {
    channel: Arc<str>,
    acks: Slab<Unconfirmed>,
    /// One for each place in `acks` that has been used.
    wakers: Vec<Waker>,
    woken: Arc<Woken>,
    /// Those that are looked at, while they are.
    due: Vec<usize>,
}

/// A settlement, counted as in flight until it is confirmed.
struct Unconfirmed {
    ack: Ack,
    _in_flight: Guard,
}

/// Which of the settlements have to be looked at.
#[derive(Default)]
struct Woken(Mutex<Due>);

#[derive(Default)]
struct Due {
    places: Vec<usize>,
    /// Who looks at them, if it sleeps.
    sleeper: Option<Waker>,
}

/// Wakes whoever awaits one of the settlements.
struct PlaceWaker {
    place: usize,
    woken: Arc<Woken>,
}

impl Woken {
    fn due(&self) -> MutexGuard<'_, Due> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for PlaceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut due = self.woken.due();
        due.places.push(self.place);
        let sleeper = due.sleeper.take();
        drop(due);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }
}

impl Settling {
    pub(super) fn new(channel: &str) -> Self {
        Self(Waiting::new(channel.into()))
    }

    /// Takes one more, whose outcome is reported once it is known. It is to be polled after this.
    pub(super) fn add(&mut self, ack: Ack, in_flight: Guard) {
        let Waiting { acks, wakers, woken, .. } = &mut self.0;
        let place = acks.insert(Unconfirmed { ack, _in_flight: in_flight });
        if place == wakers.len() {
            wakers.push(Arc::new(PlaceWaker { place, woken: Arc::clone(woken) }).into());
        }
        woken.due().places.push(place);
    }

    /// Reports what is known by now; ready once nothing is left.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

impl Waiting {
    fn new(channel: Arc<str>) -> Self {
        Self { channel, acks: Slab::new(), wakers: Vec::new(), woken: Arc::default(), due: Vec::new() }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.acks.is_empty() {
            return Poll::Ready(());
        }
        let mut due = self.woken.due();
        std::mem::swap(&mut due.places, &mut self.due);
        due.sleeper = Some(cx.waker().clone());
        drop(due);
        for place in self.due.drain(..) {
            // A place may have been woken twice, or have another in it by now.
            let (Some(waiting), Some(waker)) = (self.acks.get_mut(place), self.wakers.get(place)) else { continue };
            if let Poll::Ready(settled) = Pin::new(&mut waiting.ack).poll(&mut Context::from_waker(waker)) {
                self.acks.remove(place);
                report(&self.channel, settled);
            }
        }
        if self.acks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if self.0.acks.is_empty() {
            return;
        }
        // Nobody takes from the channel any more, but what was settled before is still on its way.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let nothing = Waiting::new(Arc::clone(&self.0.channel));
            let mut rest = std::mem::replace(&mut self.0, nothing);
            runtime.spawn(async move { std::future::poll_fn(|cx| rest.poll(cx)).await });
        }
    }
}

/// A settle that came too late changes nothing: the broker has handed the work to another.
pub(super) fn report(channel: &str, settled: Result<(), BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(%channel, %error, "could not settle");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use super::Settling;
    use crate::{
        broker::{Ack, AckSender},
        worker::in_flight::InFlight,
    };

    fn settling(count: usize) -> (Settling, Arc<InFlight>, Vec<AckSender>) {
        let (mut settling, in_flight) = (Settling::new("greeter.v1"), Arc::<InFlight>::default());
        let confirm = |settling: &mut Settling| {
            let (sender, ack) = Ack::waiting();
            settling.add(ack, InFlight::enter(Arc::clone(&in_flight)));
            sender
        };
        let senders = (0..count).map(|_| confirm(&mut settling)).collect();
        (settling, in_flight, senders)
    }

    #[test]
    fn what_is_confirmed_is_no_longer_in_flight_in_any_order() {
        let (mut settling, in_flight, mut senders) = settling(300);
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(settling.poll(&mut cx), Poll::Pending);
        for left in (1..=300).rev() {
            senders.swap_remove(left / 2).send(Ok(()));
            assert_eq!(settling.poll(&mut cx).is_ready(), left == 1);
            assert_eq!(in_flight.count(), left - 1);
        }
    }

    #[test]
    fn places_are_used_again() {
        let (mut settling, in_flight, _) = settling(0);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            let (sender, ack) = Ack::waiting();
            settling.add(ack, InFlight::enter(Arc::clone(&in_flight)));
            assert_eq!(settling.poll(&mut cx), Poll::Pending);
            sender.send(Ok(()));
            assert_eq!(settling.poll(&mut cx), Poll::Ready(()));
        }
        assert_eq!(settling.0.wakers.len(), 1);
        assert!(settling.0.woken.due().places.is_empty(), "nothing adds up");
    }

    #[tokio::test]
    async fn what_is_left_is_awaited_when_the_channel_is_given_up() {
        let (mut settling, in_flight, senders) = settling(3);
        let polled = poll_fn(|cx| Poll::Ready(settling.poll(cx))).await;
        assert_eq!(polled, Poll::Pending);
        drop(settling);
        tokio::task::yield_now().await;
        assert_eq!(in_flight.count(), 3);
        senders.into_iter().for_each(|sender| sender.send(Ok(())));
        in_flight.wait_idle().await;
    }
}
