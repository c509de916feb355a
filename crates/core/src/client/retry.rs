//! When a call may be tried again.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use super::RetryPolicy;
use crate::{Code, Status};

/// A budget of retries for a whole client, in thousandths of a retry: each call adds a fraction,
/// each retry takes one.
#[derive(Debug)]
pub(super) struct RetryBudget {
    balance: AtomicI64,
    deposit: i64,
}

/// What may be saved up, so that a quiet client can retry too, and a busy one cannot hoard.
const RESERVE: i64 = 10_000;

impl RetryBudget {
    pub(super) fn new(policy: &RetryPolicy) -> Self {
        // A fraction of at most one retry a call; the conversion cannot lose anything that matters.
        #[allow(clippy::cast_possible_truncation)]
        let deposit = (policy.budget.clamp(0.0, 1.0) * 1000.0) as i64;
        Self { balance: AtomicI64::new(RESERVE), deposit }
    }

    pub(super) fn deposit(&self) {
        if self.balance.load(Relaxed) < RESERVE {
            self.balance.fetch_add(self.deposit, Relaxed);
        }
    }

    pub(super) fn withdraw(&self) -> bool {
        self.balance.fetch_update(Relaxed, Relaxed, |balance| (balance >= 1000).then_some(balance - 1000)).is_ok()
    }
}

/// Whether another attempt is allowed and useful.
pub(super) fn is_retryable(status: &Status, idempotent: bool) -> bool {
    match status.code() {
        Code::Unavailable => idempotent || status.is_retry_safe(),
        Code::Aborted => idempotent,
        _ => false,
    }
}

/// How long to pause before attempt `next` (2 is the first retry): "full jitter" of the AWS
/// Architecture Blog's "Exponential Backoff And Jitter".
pub(super) fn pause(policy: &RetryPolicy, next: u32) -> Duration {
    let bound = policy.base.saturating_mul(1 << next.saturating_sub(2).min(16)).min(policy.cap);
    bound.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RetryBudget, is_retryable, pause};
    use crate::{Outcome, Status, client::RetryPolicy};

    #[test]
    fn the_budget_bounds_retries_to_a_fraction_of_the_calls() {
        let budget = RetryBudget::new(&RetryPolicy::default());
        let reserve = std::iter::repeat_with(|| budget.withdraw()).take_while(|granted| *granted).count();
        assert_eq!(reserve, 10);
        let granted = (0..1000)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert_eq!(granted, 200);
    }

    #[test]
    fn a_pause_is_anything_up_to_a_bound_that_doubles_as_far_as_the_cap() {
        let millis = Duration::from_millis;
        let policy = RetryPolicy { base: millis(100), cap: millis(400), ..RetryPolicy::default() };
        for (next, bound) in [(2, 100), (3, 200), (4, 400), (5, 400), (u32::MAX, 400)] {
            let bound = millis(bound);
            let pauses: Vec<Duration> = (0..1_000).map(|_| pause(&policy, next)).collect();
            assert!(pauses.iter().all(|pause| *pause <= bound), "before attempt {next}: {pauses:?}");
            // By chance a tenth of the way stays empty once in 10^45 times.
            for tenth in [pauses.iter().min().unwrap(), &(bound - *pauses.iter().max().unwrap())] {
                assert!(*tenth < bound / 10, "before attempt {next}: {pauses:?}");
            }
        }
    }

    #[test]
    fn only_what_cannot_execute_twice_is_retried() {
        let unsent = Status::unavailable("x").with_outcome(Outcome::NotStarted);
        let unknown = Status::aborted("x").with_outcome(Outcome::Unknown);
        assert!(is_retryable(&unsent, false));
        assert!(!is_retryable(&unknown, false));
        assert!(is_retryable(&unknown, true));
        assert!(!is_retryable(&Status::resource_exhausted("full"), true));
    }
}
