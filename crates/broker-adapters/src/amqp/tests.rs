//! What a connection makes of refusals, interruptions and ends, without a server.

use std::{sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, Kind, QueueName,
    broker::{Ack, BrokerError, ConsumeOptions, Delivery, EnqueueOptions, Settlement},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, advance, timeout},
};

use super::{
    options::AmqpOptions,
    pending::PATIENCE,
    role::PUBLISH,
    shared::Shared,
    state::{Phase, State, Tuned},
    wire::Marks,
};
use crate::remote::OpenError;

fn channel() -> Channel {
    Channel::Queue(QueueName::from_static("a"))
}

fn cast() -> Envelope {
    Envelope::new(Kind::Cast, Guid::call())
}

/// A connection that is there, to a server whose answers the test gives.
fn connected(options: &str) -> Arc<Shared> {
    let url = format!("amqp://guest:guest@localhost/%2f?{options}").parse().expect("a URL");
    let shared = Shared::new(AmqpOptions::of(&url).expect("options"), String::new());
    let tuned = Tuned { channels: 100, frame: 1 << 17, heartbeat: Duration::ZERO };
    shared.with(|state| state.attach(tuned, "RabbitMQ 4.0.0"));
    shared
}

/// The server has declared everything that it was asked for.
fn declared(shared: &Shared) {
    shared.with(|state| {
        while state.operations.running.is_some() {
            state.answered(Some((0, 0)));
        }
    });
}

fn enqueue(shared: &Shared, envelope: Envelope) -> Ack {
    shared.with(|state| state.enqueue(&channel(), envelope.into(), EnqueueOptions::default()))
}

/// The server has confirmed or refused everything that was sent.
fn answer_all(shared: &Shared, accepted: bool) {
    shared.with(|state| state.confirmed(state.outlet, u64::MAX, true, accepted));
}

async fn told(ack: Ack) -> Option<Result<(), BrokerError>> {
    timeout(Duration::ZERO, ack).await.ok()
}

/// A consumer whose deliveries are taken here.
fn consumer(shared: &Shared) -> (u32, UnboundedReceiver<Delivery>) {
    let (sender, deliveries) = unbounded_channel();
    let (consumer, _opened) = shared.with(|state| state.consume(channel(), ConsumeOptions::default(), sender));
    begun(shared, consumer);
    (consumer, deliveries)
}

/// The server has begun to send to a consumer.
fn begun(shared: &Shared, consumer: u32) {
    declared(shared);
    shared.with(|state| (0..2).for_each(|_| state.subscribed(consumer)));
    answer_all(shared, true);
}

/// The server delivers a message with this tag, and the worker has it.
fn delivered(shared: &Shared, consumer: u32, tag: u64, deliveries: &mut UnboundedReceiver<Delivery>) -> Delivery {
    shared.with(|state| state.arrived(consumer, tag, false, Marks::default(), cast().encode()));
    deliveries.try_recv().expect("it is delivered")
}

/// The server closes a consumer's AMQP channel, and takes back what was leased there.
fn interrupted(shared: &Shared, consumer: u32) {
    shared.with(|state| {
        let number = state.streams[&consumer].number.expect("it has one");
        state.interrupted(consumer, number, 406, BrokerError::refused("PRECONDITION_FAILED - timeout"));
    });
    begun(shared, consumer);
}

fn retry(delivery: Delivery) -> Ack {
    delivery.settle(Settlement::Retry { delay: Duration::ZERO, reason: "no".to_owned() })
}

/// Tags begin anew on each AMQP channel: what replaces a delivery of the one before ends none of the next.
#[tokio::test]
async fn an_interrupted_consumer_acknowledges_nothing_for_what_it_held_before() {
    let shared = connected("");
    let (consumer, mut deliveries) = consumer(&shared);
    let first = delivered(&shared, consumer, 1, &mut deliveries);
    let retried = retry(first);
    let open = shared.with(|state| std::mem::take(&mut state.confirms));
    interrupted(&shared, consumer);
    let _second = delivered(&shared, consumer, 1, &mut deliveries);
    shared.with(|state| state.confirms = open);
    answer_all(&shared, true);
    assert_eq!(told(retried).await, Some(Ok(())), "what replaces it is at the server");
    let unacked = shared.with(|state| state.streams[&consumer].unacked.clone());
    assert_eq!(unacked.into_iter().collect::<Vec<_>>(), [1], "the worker still has the second");
}

/// A replacement that was refused is not sent once the server has taken the original back.
#[tokio::test]
async fn what_the_server_has_taken_back_is_not_sent_again_as_well() {
    let shared = connected("queue=quorum");
    let (consumer, mut deliveries) = consumer(&shared);
    let retried = retry(delivered(&shared, consumer, 1, &mut deliveries));
    answer_all(&shared, false);
    assert!(shared.with(|state| !state.doubts.is_empty()), "it is doubted");
    interrupted(&shared, consumer);
    shared.with(|state| state.tick(Instant::now() + Duration::from_secs(1)));
    assert_eq!(shared.with(|state| state.confirms.len()), 0, "it would be there twice");
    assert_eq!(told(retried).await, Some(Err(BrokerError::Stale)));
}

/// A server that takes no messages for now hangs nobody, on whatever AMQP channel his message was sent.
#[tokio::test]
async fn what_was_sent_on_the_channel_before_is_not_waited_for_longer_than_anything_else() {
    let shared = connected("queue=quorum");
    let first = enqueue(&shared, cast());
    declared(&shared);
    answer_all(&shared, true);
    assert_eq!(told(first).await, Some(Ok(())));
    let (refused, open) = (enqueue(&shared, cast()), enqueue(&shared, cast()));
    shared.with(|state| {
        // Two were confirmed before: the first message, and the note that there is such a channel.
        state.confirmed(PUBLISH, 3, false, false);
        assert_ne!(state.outlet, PUBLISH, "messages go another way");
        state.blocked = Some("low on memory".to_owned());
        assert!(state.is_timed());
        state.tick(Instant::now() + PATIENCE + Duration::from_secs(1));
    });
    assert!(matches!(told(open).await, Some(Err(BrokerError::Lost { .. }))));
    drop(refused);
}

/// Who waits for as long as one does who says nothing else, 10 s, hears what the server has said before that.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_named_before_its_senders_give_up() {
    const USUAL: Duration = Duration::from_secs(10);
    let shared = connected("");
    let first = enqueue(&shared, cast());
    declared(&shared);
    answer_all(&shared, true);
    assert_eq!(told(first).await, Some(Ok(())));
    let in_time = Envelope { budget: Some(Duration::from_millis(500)), ..cast() };
    let (sent, short) = (enqueue(&shared, cast()), enqueue(&shared, in_time.clone()));
    shared.with(|state| state.blocked = Some("low on memory".to_owned()));
    let (held, shorter) = (enqueue(&shared, cast()), enqueue(&shared, in_time));
    advance(Duration::from_millis(500)).await;
    shared.with(|state| state.tick(Instant::now()));
    assert!(matches!(told(short).await, Some(Err(BrokerError::Lost { reason })) if reason.contains("low on memory")));
    assert!(matches!(told(shorter).await, Some(Err(BrokerError::Unavailable { .. }))));
    advance(USUAL - Duration::from_secs(1)).await;
    shared.with(|state| state.tick(Instant::now()));
    assert!(matches!(told(sent).await, Some(Err(BrokerError::Lost { reason })) if reason.contains("low on memory")));
    assert!(matches!(told(held).await, Some(Err(BrokerError::Unavailable { .. }))));
}

/// What was refused was not accepted, and nobody says otherwise because the connection ends.
#[tokio::test]
async fn who_closes_while_a_refusal_is_doubted_hears_that_it_was_not_sent() {
    let shared = connected("queue=quorum");
    let first = enqueue(&shared, cast());
    declared(&shared);
    answer_all(&shared, true);
    assert_eq!(told(first).await, Some(Ok(())));
    let refused = enqueue(&shared, cast());
    answer_all(&shared, false);
    shared.with(|state| {
        state.phase = Phase::Closing;
        state.detach("it went");
    });
    shared.with(State::end);
    assert!(matches!(told(refused).await, Some(Err(BrokerError::Unavailable { .. }))));
}

/// A connection that comes and goes again before anything could be sent is no reason to wait longer.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_connection_waits_once_however_often_it_breaks() {
    let shared = connected("");
    shared.with(|state| state.detach("it went"));
    let waiting = enqueue(&shared, cast());
    for _ in 0..4 {
        advance(PATIENCE / 3).await;
        let tuned = shared.with(|state| state.tuned);
        shared.with(|state| state.attach(tuned, "RabbitMQ 4.0.0"));
        shared.with(|state| state.detach("it went again"));
        shared.with(|state| state.tick(Instant::now()));
    }
    assert!(matches!(told(waiting).await, Some(Err(BrokerError::Unavailable { .. }))));
}

/// Who looks into the log sees why a connection does not come back, and sees it once.
#[tokio::test]
async fn a_mistake_that_keeps_a_connection_away_is_news_once() {
    let shared = connected("");
    let said = |error: &OpenError| shared.with(|state| state.stays_away(error));
    let absent = OpenError::Absent { address: "a".to_owned(), reason: "nobody listens there".to_owned() };
    let unusable = OpenError::Unusable { address: "a".to_owned(), reason: "Login was refused".to_owned() };
    assert_eq!([&absent, &unusable, &unusable, &absent].map(said), [false, true, false, false]);
    shared.with(|state| state.detach("it went"));
    let (waiting, _) = (enqueue(&shared, cast()), said(&unusable));
    shared.with(|state| state.tick(Instant::now() + PATIENCE));
    assert!(
        matches!(told(waiting).await, Some(Err(BrokerError::Unavailable { reason })) if reason.contains("refused"))
    );
}

/// What comes back to a queue of which the part for that was deleted is not acknowledged: it would be nowhere.
#[tokio::test]
async fn work_that_finds_no_place_to_come_back_to_is_given_back() {
    let shared = connected("");
    let (consumer, mut deliveries) = consumer(&shared);
    let delivery = delivered(&shared, consumer, 1, &mut deliveries);
    let id = delivery.envelope().id;
    let retried = retry(delivery);
    shared.with(|state| {
        state.confirms.returned(id);
        state.flush();
        state.out.clear();
    });
    answer_all(&shared, true);
    assert!(matches!(told(retried).await, Some(Err(BrokerError::Unavailable { .. }))));
    let written = shared.with(|state| {
        state.flush();
        state.out.split()
    });
    // basic.nack, and no basic.ack.
    let contains = |method: &[u8]| written.windows(4).any(|part| part == method);
    assert!(contains(&[0, 60, 0, 120]) && !contains(&[0, 60, 0, 80]), "{written:?}");
}

/// The time that a call has waited here is taken from what the server may keep it for.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_begin_its_time_anew_at_the_server() {
    let shared = connected("");
    let call = |millis| Envelope { budget: Some(Duration::from_millis(millis)), ..cast() };
    let (short, long) = (enqueue(&shared, call(50)), enqueue(&shared, call(5_000)));
    advance(Duration::from_millis(60)).await;
    declared(&shared);
    assert_eq!(told(short).await, Some(Err(BrokerError::Expired)), "it is not sent any more");
    let written = shared.with(|state| state.out.split());
    let contains = |text: &[u8]| written.windows(text.len()).any(|part| part == text);
    assert!(contains(b"\x044940") && !contains(b"\x045000"));
    drop(long);
}

/// A queue that was deleted is declared anew for everybody who was there.
#[tokio::test]
async fn of_two_consumers_whose_queue_is_gone_both_go_on() {
    let shared = connected("");
    let consumers = [consumer(&shared), consumer(&shared)];
    let number = |consumer: u32| shared.with(|state| state.streams[&consumer].number);
    for (consumer, _) in &consumers {
        let number = number(*consumer).expect("it has one");
        shared.with(|state| state.uprooted(*consumer, number));
    }
    declared(&shared);
    assert!(consumers.iter().all(|(consumer, _)| number(*consumer).is_some()), "each consumes again");
}

/// What is sent again, since its queue was deleted, is not dropped for another message that comes back.
#[tokio::test]
async fn what_waits_for_its_queue_to_be_declared_anew_goes_on_waiting_when_another_comes_back() {
    let shared = connected("");
    let first = enqueue(&shared, cast());
    declared(&shared);
    answer_all(&shared, true);
    assert_eq!(told(first).await, Some(Ok(())));
    let casts = [cast(), cast()];
    let ids = casts.each_ref().map(|cast| cast.id);
    let [one, other] = casts.map(|cast| enqueue(&shared, cast));
    // Two were confirmed before: the first message, and the note that there is such a channel.
    let comes_back = |id, tag| {
        shared.with(|state| {
            state.confirms.returned(id);
            state.confirmed(PUBLISH, tag, false, true);
        });
    };
    comes_back(ids[0], 3);
    assert!(matches!(told(one).await, Some(Err(BrokerError::Unavailable { .. }))));
    let again = enqueue(&shared, cast());
    comes_back(ids[1], 4);
    assert!(matches!(told(other).await, Some(Err(BrokerError::Unavailable { .. }))));
    declared(&shared);
    answer_all(&shared, true);
    assert_eq!(told(again).await, Some(Ok(())));
}
