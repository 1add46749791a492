//! The order table under any sequence of news.

use proptest::prelude::*;
use sandpit_core::order::{OrderState, Transition, next_state};

#[test]
fn a_closed_order_never_works_again() {
    for from in OrderState::ALL.into_iter().filter(|state| state.is_closed()) {
        for by in Transition::ALL {
            if let Ok(to) = next_state(from, by) {
                assert!(to.is_closed(), "{from} became {to} by {by:?}");
            }
        }
    }
}

#[test]
fn what_is_known_of_the_real_world_is_legal() {
    use OrderState as S;
    use Transition as T;
    let legal = [
        (S::Submitted, T::FillAll, S::Filled),
        (S::Submitted, T::FillPart, S::PartiallyFilled),
        (S::PartiallyFilled, T::Accept, S::PartiallyFilled),
        (S::Filled, T::Accept, S::Filled),
        (S::Canceled, T::FillAll, S::Filled),
        (S::Canceled, T::FillPart, S::Canceled),
        (S::PendingCancel, T::FillAll, S::Filled),
        (S::Unknown, T::FillAll, S::Filled),
        (S::Unknown, T::Reject, S::Rejected),
        (S::Accepted, T::Reject, S::Rejected),
        (S::Unknown, T::Lose, S::Unknown),
        (S::Filled, T::ChangeRejected, S::Filled),
    ];
    for (from, by, to) in legal {
        assert_eq!(next_state(from, by), Ok(to), "{from} by {by:?}");
    }
    let illegal = [
        (S::Rejected, T::FillAll),
        (S::Denied, T::Accept),
        (S::Filled, T::FillPart),
        (S::Initialized, T::FillAll),
        (S::PartiallyFilled, T::Reject),
    ];
    for (from, by) in illegal {
        assert!(next_state(from, by).is_err(), "{from} by {by:?}");
    }
}

#[test]
fn a_lost_order_is_never_given_up_by_us() {
    for by in [Transition::AskCancel, Transition::AskUpdate, Transition::Lose, Transition::Deny] {
        let to = next_state(OrderState::Unknown, by);
        assert!(to.is_err() || to == Ok(OrderState::Unknown), "{by:?}");
    }
}

proptest! {
    #[test]
    fn every_order_ends_or_is_open(steps in prop::collection::vec(0..Transition::ALL.len(), 0..40)) {
        let mut state = OrderState::Initialized;
        let mut closed = false;
        for step in steps {
            if let Ok(to) = next_state(state, Transition::ALL[step]) {
                prop_assert!(!closed || to.is_closed());
                closed = to.is_closed();
                state = to;
            }
        }
    }
}
