//! What a test does to a cluster on purpose.

use std::{sync::Arc, time::Duration};

use skyloom::{Outcome, prelude::*, worker::WorkerOptions};
use skyloom_testing::{Fault, TestCluster};
use tokio::{sync::Notify, time::Instant};

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, Placed, Post, ordered, tea};

fn charge(amount: u32) -> Json<Charge> {
    Json(Charge { amount })
}

#[tokio::test]
async fn what_a_lost_worker_had_goes_to_another() {
    let (one, other) = (Payments::default(), Payments::default());
    let cluster = TestCluster::new().with(one.clone()).start().await;
    cluster.inject(PaymentsClient::CHARGE, Fault::LostWorker);
    let client = cluster.client::<PaymentsClient>();
    let call = tokio::spawn(async move { client.charge(charge(7)).await });
    let lost = cluster.hook(PaymentsClient::CHARGE);
    cluster.add(other.clone()).await;
    assert_eq!(call.await.unwrap().unwrap().0.number, "r-7");
    drop(lost);
    assert_eq!(*one.charged.lock().unwrap(), [7], "it had done its work");
    assert_eq!(*other.charged.lock().unwrap(), [7], "and so has the other");
    let calls = cluster.calls(PaymentsClient::CHARGE);
    assert_eq!(calls.only().attempts(), 2);
    let line = calls.only().to_string();
    assert!(line.contains("attempt 1 by payments.v1.Payments was lost: its worker was lost; attempt 2 by"), "{line}");
}

#[tokio::test]
async fn a_worker_is_lost_while_it_is_held() {
    let (one, other) = (Payments::default(), Payments::default());
    let cluster = TestCluster::new().with(one.clone()).start().await;
    let mut hold = cluster.hold(PaymentsClient::CHARGE);
    let client = cluster.client::<PaymentsClient>();
    let call = tokio::spawn(async move { client.charge(charge(7)).await });
    let held = hold.next().await;
    cluster.add(other.clone()).await;
    held.lose_worker();
    let again = hold.next().await;
    assert_eq!(again.context().attempt(), 2);
    again.release();
    assert_eq!(call.await.unwrap().unwrap().0.number, "r-7");
    assert_eq!((one.charged.lock().unwrap().len(), other.charged.lock().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn what_a_lost_worker_was_waiting_for_is_asked_for_anew() {
    let cluster = TestCluster::new().with(Orders).with(Payments::default()).start().await;
    let mut hold = cluster.hold(PaymentsClient::CHARGE);
    let client = cluster.client::<OrdersClient>();
    let call = tokio::spawn(async move { client.place(tea()).await });
    let held = hold.next().await;
    cluster.lose_worker(OrdersClient::PLACE);
    cluster.add(Orders).await;
    held.release();
    hold.next().await.release();
    assert_eq!(call.await.unwrap().unwrap().0.receipt, "r-30");
    assert_eq!(cluster.calls(OrdersClient::PLACE).only().attempts(), 2);
    cluster.calls(PaymentsClient::CHARGE).assert_count(2);
}

#[tokio::test]
async fn a_redelivery_runs_the_handler_once_more() {
    let payments = Payments::default();
    let cluster = TestCluster::new().with(payments.clone()).start().await;
    cluster.inject(PaymentsClient::CHARGE, Fault::Redelivery);
    let Json(receipt) = cluster.client::<PaymentsClient>().charge(charge(7)).await.unwrap();
    assert_eq!(receipt.number, "r-7");
    assert_eq!(*payments.charged.lock().unwrap(), [7, 7]);
    assert_eq!(cluster.calls(PaymentsClient::CHARGE).only().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_the_callers_time() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let client = cluster.client::<PaymentsClient>();
    let start = Instant::now();
    cluster.inject(PaymentsClient::CHARGE, Fault::Delay(Duration::from_millis(500)));
    client.charge(charge(1)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(500));
    cluster.inject(PaymentsClient::CHARGE, Fault::Delay(Duration::from_secs(600)));
    let status = client.charge(charge(1)).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown));
}

#[tokio::test]
async fn errors_and_panics_come_one_after_the_other() {
    let payments = Payments::default();
    let cluster = TestCluster::new().with(payments.clone()).start().await;
    let client = cluster.client::<PaymentsClient>();
    cluster.inject(PaymentsClient::CHARGE, Fault::Error(Status::permission_denied("not you")));
    cluster.inject(PaymentsClient::CHARGE, Fault::Panic);
    assert_eq!(client.charge(charge(1)).await.unwrap_err().message(), "not you");
    assert_eq!(client.charge(charge(2)).await.unwrap().0.number, "r-2");
    let calls = cluster.calls(PaymentsClient::CHARGE);
    assert_eq!((calls[0].attempts(), calls[1].attempts()), (1, 2));
    let line = calls[1].to_string();
    assert!(line.contains("attempt 1 by payments.v1.Payments failed: the handler of Charge panicked"), "{line}");
    assert_eq!(*payments.charged.lock().unwrap(), [2]);
}

#[tokio::test]
async fn a_full_queue_and_a_full_topic_refuse() {
    let cluster = TestCluster::new().with(Orders).with(Payments::default()).start().await;
    let client = cluster.client::<OrdersClient>();
    let full = cluster.fill(PaymentsClient::CHARGE);
    // The payment was not started; the order that passes that on was.
    let status = client.place(tea()).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::ResourceExhausted, Outcome::Known));
    let calls = cluster.calls(PaymentsClient::CHARGE);
    assert_eq!(
        (calls.only().refused(), calls.only().attempts()),
        (Some("queue payments.v1 is full: the test has filled it"), 0)
    );
    drop(full);
    client.place(tea()).await.unwrap();
    let _full = cluster.fill(ordered());
    assert_eq!(client.place(tea()).await.unwrap_err().code(), Code::ResourceExhausted);
    assert!(cluster.events(ordered())[1].refused().is_some());
}

#[tokio::test(start_paused = true)]
async fn work_that_fails_for_good_is_a_dead_letter() {
    let worker = WorkerOptions { max_attempts: 2, ..WorkerOptions::default() };
    let cluster = TestCluster::new().with(Payments::default()).with(Post::default()).worker(worker).start().await;
    let client = cluster.client::<PaymentsClient>();
    for amount in [0, 5, 50] {
        client.remind(charge(amount)).cast(Duration::ZERO).await.unwrap();
    }
    let nothing = Json(Placed { item: String::new(), receipt: String::new() });
    cluster.publish(&ordered(), nothing.clone()).await.unwrap();
    cluster.idle().await;
    let letters = cluster.dead_letters(PaymentsClient::REMIND).await;
    let dead: Vec<_> =
        letters.iter().map(|one| (one.request().0.amount, one.attempts(), one.reason().to_owned())).collect();
    let reason = |text: &str| text.to_owned();
    assert_eq!(
        dead,
        [
            (0, 1, reason("INVALID_ARGUMENT: amount is 0: there is nothing to remind of")),
            (5, 2, reason("UNAVAILABLE: the post is closed")),
        ]
    );
    let letters = cluster.dead_letters(ordered()).await;
    assert_eq!(
        (letters.only().request(), letters.only().channel().to_string()),
        (nothing, "orders.placed/post.v1".to_owned())
    );
    cluster.dead_letters(PaymentsClient::CHARGE).await.assert_none();
    assert_eq!(cluster.casts(PaymentsClient::REMIND).iter().map(|cast| cast.attempts()).collect::<Vec<_>>(), [1, 2, 1]);
}

#[tokio::test]
async fn time_is_paused_when_asked_for() {
    let cluster = TestCluster::new().with(Payments::default()).paused().start().await;
    let start = Instant::now();
    let cast = cluster.client::<PaymentsClient>().remind(charge(50)).cast(Duration::from_secs(3_600));
    cast.await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    cluster.idle().await;
    assert!(start.elapsed() >= Duration::from_secs(3_600));
    assert!(cluster.casts(PaymentsClient::REMIND).only().is_settled());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_paused_already_stays_so() {
    let start = Instant::now();
    let cluster = TestCluster::new().paused().start().await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(start.elapsed() >= Duration::from_secs(3_600));
    cluster.stop().await;
}

/// Streams until its reader or its instance has gone.
#[derive(Clone, Default)]
struct Ticker {
    gone: Arc<Notify>,
}

#[service(version = 1)]
impl Ticker {
    #[handler]
    async fn ticks(&self) -> Result<Streaming<Json<u32>>> {
        let (sender, ticks) = Streaming::channel(1);
        let gone = Arc::clone(&self.gone);
        tokio::spawn(async move {
            drop(sender.send(Json(1)).await);
            sender.closed().await;
            gone.notify_one();
        });
        Ok(ticks)
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_worker() {
    let (one, other) = (Ticker::default(), Ticker::default());
    let cluster = TestCluster::new().with(one.clone()).start().await;
    let mut ticks = cluster.client::<TickerClient>().ticks().await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap(), Json(1));
    cluster.add(other).await;
    cluster.lose_worker(TickerClient::TICKS);
    one.gone.notified().await;
    let status = ticks.next().await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "the other begins anew: {status}");
    assert_eq!(cluster.calls(TickerClient::TICKS).only().attempts(), 2);
}
