//! Deliberate bugs, each of which the simulator has to find: in the engine as types, around it as
//! slips.

use sandpit::simulate::{Invariant, Plan, Slip};
use sandpit_core::engine::{Flaws, Sound};

use crate::many;

/// Worlds within which a bug has to be found, and their steps.
const SEEDS_MAX: u64 = 500;
const STEPS: u64 = 3_000;

fn is_found<F: Flaws>(bug: &str, slip: Slip, by: &[Invariant]) {
    let worlds = many::<F>(&Plan { seed: 1, steps: STEPS, slip }, SEEDS_MAX);
    let Some(violation) = worlds.violation else {
        panic!("{bug}: not found in {SEEDS_MAX} worlds");
    };
    assert!(by.contains(&violation.invariant), "{bug}: found by another invariant: {violation}");
}

/// A test that an engine with one flaw is found out.
macro_rules! flaw {
    ($test:ident, $flaw:ident, $bug:literal, $($by:ident)|+) => {
        #[test]
        fn $test() {
            #[derive(Clone, Copy, Debug, Default)]
            struct Flawed;
            impl Flaws for Flawed {
                const $flaw: bool = true;
            }
            is_found::<Flawed>($bug, Slip::None, &[$(Invariant::$by),+]);
        }
    };
}

/// A test that a slip around the engine is found out.
macro_rules! slip {
    ($test:ident, $slip:ident, $bug:literal, $($by:ident)|+) => {
        #[test]
        fn $test() {
            is_found::<Sound>($bug, Slip::$slip, &[$(Invariant::$by),+]);
        }
    };
}

flaw!(
    a_duplicate_fill_that_counts,
    COUNTS_DUPLICATE_FILLS,
    "an execution that is told twice is booked twice",
    FillBookedOnce
);
flaw!(
    reducing_by_side_only,
    REDUCES_BY_SIDE_ONLY,
    "a reducing scope looks at the side and not at the size",
    ReducingOnlyShrinks
);
flaw!(
    unknown_orders_that_reserve_nothing,
    FORGETS_UNKNOWN_EXPOSURE,
    "an order whose fate is unknown reserves nothing",
    Limits | ReducingOnlyShrinks
);
flaw!(
    not_found_believed_at_once,
    BELIEVES_NOT_FOUND_AT_ONCE,
    "the first word that an order is not known is believed",
    NoOrderLost | NothingImpossible
);
flaw!(
    late_fills_that_are_ignored,
    IGNORES_LATE_FILLS,
    "a fill after the cancel is not booked",
    ToldFillIsBooked
);
flaw!(
    changes_that_are_trusted,
    TRUSTS_PENDING_CHANGES,
    "a change reserves the new quantity alone",
    NothingImpossible | NoOrderLost | Limits
);
flaw!(
    a_sequence_that_begins_anew,
    FORGETS_SEQUENCE,
    "client order ids begin anew at a restart",
    OneOrderPerId | ReplayEqualsLive
);
flaw!(
    locks_that_end_with_the_process,
    FORGETS_LOCKS,
    "the kill switch is off after a restart",
    StateHolds | ReplayEqualsLive
);
slip!(
    resending_on_timeout,
    ResendsOnTimeout,
    "an order whose answer is lost is sent again",
    OneOrderPerId | NoOrderLost
);
slip!(
    a_timeout_taken_for_a_refusal,
    TakesTimeoutForRefusal,
    "an order whose answer is lost is given up",
    NoOrderLost | NothingImpossible
);
slip!(
    an_error_taken_for_an_answer,
    TakesErrorForAnswer,
    "a question that fails says that there is no such order",
    NoOrderLost | NothingImpossible
);
slip!(
    effects_before_the_commit,
    SendsBeforeCommit,
    "an order goes out before the journal has it",
    JournalBeforeEffects
);
slip!(
    a_full_disk_passed_over,
    IgnoresFullDisk,
    "orders go on without a journal",
    // What is not written is not booked, whichever is looked at first.
    JournalBeforeEffects | ToldFillIsBooked
);
