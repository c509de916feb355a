//! One test of each rule.

use std::{future::Future, time::Duration};

use super::{Fixture, Shown, Verdict};

/// No rule takes longer, however slow the machine; one of them starts a server twice.
const RULE_TIME: Duration = Duration::from_secs(180);

/// Runs a rule against a fresh fixture, on one thread, for a limited time. Returns what it has shown.
///
/// # Panics
/// If the rule is broken or the runtime cannot be built.
pub fn run<F: Fixture, T: Future<Output: Verdict>>(rule: impl FnOnce(F) -> T) -> Option<Shown> {
    on_one_thread(async {
        let fixture = F::start().await;
        tokio::time::timeout(RULE_TIME, rule(fixture)).await.expect("the rule is decided in time").shown()
    })
}

/// Runs a future to its end.
pub(super) fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(future)
}

/// Makes a test of each rule for brokers, and one that compares what they show with `docs/brokers.md`.
#[macro_export]
macro_rules! broker_conformance {
    ($fixture:ty) => {
        $crate::broker_rules! { $fixture;
            calls: a_call_is_answered_on_its_inbox,
                partial_replies_come_in_order_before_the_final_one,
                many_calls_are_each_answered_once,
                replies_that_are_sent_at_once_each_reach_their_caller,
                replying_settles_the_request;
            queues: work_waits_for_a_worker_that_has_not_started,
                order_is_first_in_first_out,
                competing_consumers_get_each_message_once,
                priorities,
                delays,
                credit_limits_what_a_consumer_holds,
                depth_counts_what_a_channel_holds,
                a_stopped_consumer_gets_nothing_more;
            leases: a_dropped_delivery_comes_back_as_the_next_attempt,
                a_lease_that_ends_gives_the_work_to_another,
                a_lost_connection_gives_its_work_to_another,
                a_failure_that_is_reported_ends_a_row_of_losses,
                a_release_is_no_attempt,
                a_retry_waits_for_its_delay,
                an_extended_lease_does_not_end,
                a_returned_message_regains_its_place,
                once_means_at_most_once;
            dead_letters: used_up_attempts_make_a_dead_letter_and_the_caller_is_told,
                buried_work_is_not_tried_again,
                kicked_letters_start_anew,
                dropped_letters_are_gone,
                a_paused_channel_delivers_nothing;
            bounds: a_call_whose_time_has_run_out_is_dropped_unexecuted,
                a_call_whose_time_has_run_out_after_an_attempt_has_an_unknown_outcome,
                a_full_queue_refuses_and_keeps_what_it_has,
                a_queue_is_bounded_in_bytes,
                a_message_that_is_too_large_is_refused;
            topics: every_group_gets_an_event_once,
                a_group_shares_its_events,
                an_event_without_a_group_is_accepted,
                a_group_keeps_events_while_its_consumers_are_away,
                an_ephemeral_group_ends_with_its_last_consumer;
            inboxes: a_reply_reaches_only_the_inbox_that_is_named,
                a_closed_inbox_hears_nothing_and_hinders_nobody,
                who_sends_a_stream_hears_that_nobody_reads_it,
                an_unknown_instance_is_refused,
                an_instance_is_reached_until_it_takes_no_more,
                an_instance_that_has_died_is_gone,
                closing_ends_consumers;
            contents: a_large_binary_payload_survives,
                every_field_of_an_envelope_survives,
                every_valid_name_is_a_queue;
            crashes: what_was_accepted_outlives_its_sender,
                connections_outlive_the_broker,
                what_was_accepted_outlives_the_broker_or_does_not;
        }
    };
}

/// The same, of the rules that are named: for a broker that does not keep what the others follow from.
#[macro_export]
macro_rules! broker_rules {
    ($fixture:ty; $($module:ident: $($rule:ident),+;)+) => {
        static FINDINGS: $crate::conformance::Findings = $crate::conformance::Findings::new();

        $(mod $module {
            #[allow(unused_imports)] // The fixture may be named by a path.
            use super::*;

            $(#[test]
            fn $rule() {
                use $crate::conformance::{rules::$module, run};
                FINDINGS.of(stringify!($module::$rule), || run::<$fixture, _>($module::$rule));
            })+
        })+

        #[test]
        fn the_page_shows_what_the_rules_have_shown() {
            use $crate::conformance::{assert_page_shows, rules, run};
            let shown = [
                $($(FINDINGS.of(stringify!($module::$rule), || run::<$fixture, _>(rules::$module::$rule)),)+)+
            ];
            assert_page_shows::<$fixture>(
                shown.into_iter().flatten(),
                concat!("-p ", env!("CARGO_PKG_NAME"), " --test ", env!("CARGO_CRATE_NAME")),
            );
        }
    };
}

/// Makes a test of each rule for registries.
#[macro_export]
macro_rules! registry_conformance {
    ($fixture:ty) => {
        $crate::conformance_tests! { $fixture;
            registry: a_registered_instance_is_listed_until_its_guard_is_dropped,
                instances_are_found_by_service_version_region_and_host,
                a_watch_follows_every_change,
                a_contract_outlives_its_instance,
                a_contract_is_forgotten_when_its_service_does_not_run,
                a_lost_connection_takes_its_instances_along;
        }
    };
}

/// One test of each rule that is named.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:ty; $($module:ident: $($rule:ident),+;)+) => {
        $(mod $module {
            #[allow(unused_imports)] // The fixture may be named by a path.
            use super::*;

            $(#[test]
            fn $rule() {
                $crate::conformance::run::<$fixture, _>($crate::conformance::rules::$module::$rule);
            })+
        })+
    };
}
