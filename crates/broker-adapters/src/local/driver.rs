//! The driver: connects, serves the connection, and connects again.

use std::{
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};

use skyloom_broker::wire::ClientHello;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    dial::{Dialled, Socket, dial, silent},
    handle::Handle,
    serve::serve,
    shared::{Shared, Stage},
    state::State,
};

/// How long a broker has to accept a connection and say hello.
const DIAL_TIME: Duration = Duration::from_secs(5);

/// The first pause after a failed attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause: how long after a broker's return the last client is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A broker that is away for longer is not just started anew, and somebody should look after it.
const RESTART_TIME: Duration = Duration::from_secs(5);

/// Why nothing comes of a connection that nobody drives.
const UNDRIVEN: &str = "the runtime that its connection was made in has ended; make one in the runtime that uses it";

/// Runs a connection until nobody holds its handle any more or it is closed.
pub(super) fn drive(shared: Arc<Shared>, handle: Weak<Handle>) -> impl Future<Output = ()> + Send + 'static {
    let driven = Driven(shared);
    async move {
        let shared = &*driven.0;
        tokio::select! {
            () = connections(shared, &handle) => {}
            () = alarms(shared) => {}
        }
        shared.enter(Stage::Ended);
    }
}

/// A connection that is driven. If that ends before the connection does, as with the runtime that it was spawned in, who
/// still uses it in another must hear so: nothing would ever come.
struct Driven(Arc<Shared>);

impl Drop for Driven {
    fn drop(&mut self) {
        let shared = &*self.0;
        if *shared.stage.borrow() == Stage::Ended {
            return;
        }
        shared.close();
        shared.change(|state| state.detach(&[], 0, UNDRIVEN, Instant::now()));
        UNDRIVEN.clone_into(&mut shared.lock().reason);
        shared.enter(Stage::Ended);
    }
}

async fn connections(shared: &Shared, handle: &Weak<Handle>) {
    let hello = ClientHello::new(shared.session, &shared.name);
    let mut pause = FIRST_PAUSE;
    let mut absence = None;
    loop {
        let started = Instant::now();
        let dialled = tokio::select! {
            dialled = timeout(DIAL_TIME, dial(&shared.address, &hello, |reason| shared.lock().reason = reason)) => dialled,
            () = shared.closing() => return,
        };
        match dialled.unwrap_or_else(|_| Err(silent(&shared.address))) {
            Ok(dialled) => {
                if let Some(Absence { since, .. }) = absence {
                    let away = since.elapsed();
                    tracing::info!(address = %shared.address, ?away, "connected to the broker again");
                }
                connected(shared, handle, dialled).await;
                absence = Some(Absence { since: Instant::now(), is_said: false });
            }
            Err(reason) => failed(shared, reason, absence.as_mut()),
        }
        if *shared.stage.borrow() == Stage::Closing {
            return;
        }
        if started.elapsed() > LONGEST_PAUSE {
            // It had worked for a while.
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            // Half of it at random, so that the clients of a broker do not come back all at once.
            () = sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)) => {}
            () = shared.closing() => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn connected(shared: &Shared, handle: &Weak<Handle>, dialled: Dialled) {
    let Dialled { socket, accepted, rest } = dialled;
    shared.change(|state| state.attach(accepted, Instant::now()));
    shared.enter(Stage::Live);
    // What is due later may be due because of this.
    shared.alarm.notify_one();
    tracing::debug!(address = %shared.address, "connected to the broker");
    match socket {
        Socket::Unix(socket) => {
            let (reader, writer) = tokio::io::split(socket);
            serve(shared, handle, reader, writer, rest).await;
        }
        Socket::Tcp(socket) => {
            let (reader, writer) = socket.into_split();
            serve(shared, handle, reader, writer, rest).await;
        }
    }
    shared.enter(Stage::Away);
    // What is held now may have a deadline.
    shared.alarm.notify_one();
    if *shared.stage.borrow() == Stage::Closing {
        // It was closed here, which is no news.
        return tracing::debug!(address = %shared.address, "the connection to the broker is closed");
    }
    let reason = shared.lock().reason.clone();
    tracing::info!(address = %shared.address, reason, "the connection to the broker has ended");
}

/// The time since a connection has ended.
struct Absence {
    since: Instant,
    /// It is said that it lasts.
    is_said: bool,
}

fn failed(shared: &Shared, reason: String, absence: Option<&mut Absence>) {
    match absence {
        Some(Absence { since, is_said }) if !*is_said && since.elapsed() >= RESTART_TIME => {
            *is_said = true;
            tracing::warn!(address = %shared.address, reason, "the broker stays away; it is looked for until it is back");
        }
        _ => tracing::debug!(address = %shared.address, reason, "the broker cannot be reached"),
    }
    shared.lock().reason = reason;
}

/// Does what time alone brings about, whether there is a connection or not.
async fn alarms(shared: &Shared) {
    loop {
        let alarm = shared.lock().next_alarm();
        let alarm = async {
            match alarm {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = alarm => {
                shared.change(|state: &mut State| state.expire(Instant::now()));
                // It may have had something to say to the broker.
                shared.write.notify_one();
            }
            () = shared.alarm.notified() => {}
        }
    }
}
