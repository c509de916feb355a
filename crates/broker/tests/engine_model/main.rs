//! The engine against a naive model of its rules: lists that are searched from end to end, and one
//! function for each thing that can happen. After each step both must have said the same to
//! everybody and hold the same.

// Outside of a `#[test]` too, a panic here is a failed test.
#![allow(clippy::unwrap_used)]

mod event;
mod transition;
mod model;
mod rules;
mod strategy;
mod engine;

use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use self::{engine::Driven, model::Model, transition::Transition};

struct EngineTest;

impl StateMachineTest for EngineTest {
    type SystemUnderTest = Driven;
    type Reference = Model;

    fn init_test(_: &Model) -> Driven {
        Driven::new()
    }

    fn apply(mut driven: Driven, model: &Model, transition: Transition) -> Driven {
        let said = driven.apply(&transition);
        assert_eq!(event::sorted(said), event::sorted(model.said.clone()), "said after {transition:?}");
        driven
    }

    fn check_invariants(driven: &Driven, model: &Model) {
        driven.check(model);
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy as _;
        proptest::strategy::Just(Self::new()).boxed()
    }

    fn transitions(model: &Self) -> proptest::strategy::BoxedStrategy<Transition> {
        strategy::transitions(model)
    }

    fn preconditions(model: &Self, transition: &Transition) -> bool {
        model.allows(transition)
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        model.apply(transition);
        model
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 250, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(sequential 1..120 => EngineTest);
}
