//! Dead letters, and what an operator does with them.

use std::time::Duration;

use skyloom_core::broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement};

use crate::conformance::{
    Fixture, Guarantee, Shown,
    kit::{
        accepted, admin, assert_unsupported, call, consume, inbox, next, nothing_comes, number, put, queue, refused,
        soon, take,
    },
};

fn bury(reason: &str) -> Settlement {
    Settlement::Bury { reason: reason.to_owned() }
}

/// After its last attempt a message is kept with the reason of the last failure, and its caller is
/// told, with the number of attempts. A broker that keeps none refuses to
/// bury, and has nothing to show an operator.
pub async fn used_up_attempts_make_a_dead_letter_and_the_caller_is_told<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().dead_letters {
        assert!(broker.admin().is_none(), "there is nothing to be seen of dead letters that are not kept");
        let mut consumer = consume(&broker, &queue("failing.v1"), ConsumeOptions::default()).await;
        put(&broker, &queue("failing.v1"), [1]).await;
        assert_unsupported(soon("bury", next(&mut consumer).await.settle(bury("no luck"))).await);
        nothing_comes(&mut consumer).await;
        return Guarantee::DeadLetters.refused();
    }
    let channel = queue("failing.v1");
    let options = ConsumeOptions { max_attempts: 3, ..ConsumeOptions::default() };
    let mut consumer = consume(&broker, &channel, options).await;
    let (probe, inbox) = inbox(&broker).await;
    let request = call(&inbox, 5);
    accepted("enqueue", broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default())).await;
    for attempt in 1..=3 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), attempt);
        let reason = format!("no luck the {attempt}. time");
        accepted("retry", delivery.settle(Settlement::Retry { delay: Duration::ZERO, reason })).await;
    }
    match refused(&probe, request.id).await {
        BrokerError::Dead { attempts: 3, reason } => assert!(reason.contains("no luck the 3. time"), "{reason}"),
        other => panic!("the caller was to hear of the dead letter, and heard {other:?}"),
    }
    nothing_comes(&mut consumer).await;
    let letters = soon("dead letters", admin(&broker).dead(&channel, 10)).await.expect("they can be listed");
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].id, letters[0].attempts, number(&letters[0].envelope)), (request.id, 3, 5));
    assert!(letters[0].reason.contains("no luck the 3. time"), "{}", letters[0].reason);
    Guarantee::DeadLetters.kept()
}

/// What is buried is a dead letter at once.
pub async fn buried_work_is_not_tried_again<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().dead_letters {
        return;
    }
    let channel = queue("buried.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    put(&broker, &channel, [1]).await;
    accepted("bury", next(&mut consumer).await.settle(bury("it is not JSON"))).await;
    nothing_comes(&mut consumer).await;
    let letters = soon("dead letters", admin(&broker).dead(&channel, 10)).await.expect("they can be listed");
    assert_eq!(letters.iter().map(|letter| letter.reason.as_str()).collect::<Vec<_>>(), ["it is not JSON"]);
    assert_eq!(soon("depth", broker.depth(&channel)).await.expect("the depth is known").dead, 1);
}

/// An operator makes dead letters ready again, one by number or some, the oldest first; their
/// attempts start at one.
pub async fn kicked_letters_start_anew<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().dead_letters {
        return;
    }
    let channel = queue("kicked.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions { credit: 1, ..ConsumeOptions::default() }).await;
    put(&broker, &channel, 0..4).await;
    for _ in 0..4 {
        accepted("bury", next(&mut consumer).await.settle(bury("not today"))).await;
    }
    let admin = admin(&broker);
    let letters = soon("dead letters", admin.dead(&channel, 10)).await.expect("they can be listed");
    assert_eq!(letters.iter().map(|letter| number(&letter.envelope)).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let one = soon("kick", admin.kick(&channel, Some(letters[2].number), 1)).await;
    assert_eq!(one, Ok(1));
    let again = next(&mut consumer).await;
    assert_eq!((number(again.envelope()), again.attempt()), (2, 1));
    accepted("settle", again.settle(Settlement::Done)).await;
    assert_eq!(soon("kick", admin.kick(&channel, None, 2)).await, Ok(2));
    assert_eq!((take(&mut consumer).await, take(&mut consumer).await), (0, 1));
    nothing_comes(&mut consumer).await;
    let left = soon("dead letters", admin.dead(&channel, 10)).await.expect("they can be listed");
    assert_eq!(left.len(), 1);
}

/// An operator deletes dead letters, one by number or all.
pub async fn dropped_letters_are_gone<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    if !broker.capabilities().dead_letters {
        return;
    }
    let channel = queue("dropped-letters.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    put(&broker, &channel, 0..3).await;
    for _ in 0..3 {
        accepted("bury", next(&mut consumer).await.settle(bury("not ever"))).await;
    }
    let admin = admin(&broker);
    let letters = soon("dead letters", admin.dead(&channel, 1)).await.expect("they can be listed");
    assert_eq!(letters.len(), 1, "no more are listed than were asked for");
    assert_eq!(soon("drop", admin.drop_dead(&channel, Some(letters[0].number))).await, Ok(1));
    assert_eq!(soon("drop", admin.drop_dead(&channel, Some(letters[0].number))).await, Ok(0), "it is gone already");
    assert_eq!(soon("drop", admin.drop_dead(&channel, None)).await, Ok(2));
    assert_eq!(soon("depth", broker.depth(&channel)).await.expect("the depth is known").dead, 0);
    nothing_comes(&mut consumer).await;
}

/// A paused channel accepts work and delivers none, until the pause ends or is ended; or pausing is refused.
pub async fn a_paused_channel_delivers_nothing<F: Fixture>(fixture: F) -> Shown {
    let broker = fixture.connect().await.broker;
    let channel = queue("paused.v1");
    let admin = match (broker.capabilities().pause, broker.admin()) {
        (true, _) => admin(&broker),
        (false, Some(admin)) => {
            assert_unsupported(soon("pause", admin.pause(&channel, Duration::from_secs(60))).await);
            return Guarantee::Pause.refused();
        }
        // There is nobody to ask.
        (false, None) => return Guarantee::Pause.refused(),
    };
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    soon("pause", admin.pause(&channel, Duration::from_secs(60))).await.expect("a channel can be paused");
    put(&broker, &channel, [1]).await;
    nothing_comes(&mut consumer).await;
    let stats = soon("channels", admin.channels()).await.expect("channels can be listed");
    assert!(stats.iter().any(|row| row.channel == channel && row.paused && row.ready == 1), "{stats:?}");
    soon("resume", admin.pause(&channel, Duration::ZERO)).await.expect("a channel can be resumed");
    assert_eq!(take(&mut consumer).await, 1);
    soon("pause", admin.pause(&channel, Duration::from_millis(100))).await.expect("a channel can be paused");
    put(&broker, &channel, [2]).await;
    assert_eq!(take(&mut consumer).await, 2);
    Guarantee::Pause.kept()
}
