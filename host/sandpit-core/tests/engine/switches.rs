//! Switches of the operator and the host: kill, locks, flatten, what they survive.

use expect_test::{Expect, expect};
use sandpit_core::{
    engine::{LockReason, VenueCapabilities},
    risk::Limits,
};

use crate::{recovery::Host, script::fragile};

fn host() -> Host {
    Host::new(fragile(Limits::unlimited(), VenueCapabilities::ALL))
}

fn check(script: &str, expected: &Expect) {
    let mut host = host();
    let mut out = host.run(script);
    let position = host.engine.account().net_quantity(sandpit_core::ids::InstrumentId(0)).0;
    out += &format!("net {position} open {}\n", host.engine.open_orders());
    expected.assert_eq(&out);
}

#[test]
fn a_killed_account_stays_killed_over_restarts_until_a_person_unlocks_it() {
    let mut host = host();
    host.run("trade 100\nkill\nrestart\nbooks\ntrade 100\nstate account active");
    let denied = host.run("p0 buy 1 @ 99 #1");
    assert!(denied.contains("denied trading-state"), "{denied}");
    let lock = host.engine.locks(None).next().unwrap();
    assert_eq!((lock.reason, lock.unlock_at), (LockReason::KillSwitch, None));
    host.run("unlock account kill-switch");
    assert!(host.run("p0 buy 1 @ 99 #2").contains("submit"), "unlocked");
}

#[test]
fn kill_and_flatten_closes_what_is_held_and_no_more() {
    check(
        "trade 100
         p0 buy 5 @ market #1
         v 1 fill 5 @ 100 t1
         p0 sell 2 @ 105 #2
         v 2 accepted
         kill flatten
         v 2 canceled
         v 3 fill 3 @ 99 t2
         v 4 fill 2 @ 99 t3
         p0 buy 1 @ 90 #3",
        &expect![[r#"
            submit 1 Buy 5 Market
            tell p0 #1 filled 5
            closed 1 Filled filled 5
            submit 2 Sell 2 Limit(Price(105))
            tell p0 #2 accepted
            alert Killed(Account)
            tell p0 Halted
            tell p1 Halted
            cancel 2
            submit 3 Sell 3 Market
            tell p0 #2 canceled
            closed 2 Canceled filled 0
            submit 4 Sell 2 Market
            closed 3 Filled filled 3
            closed 4 Filled filled 2
            denied TradingState { scope: Account, state: Halted }
            tell p0 #3 denied trading-state
            net 0 open 0
        "#]],
    );
}

#[test]
fn flattening_goes_on_after_a_restart() {
    check(
        "trade 100
         p0 buy 5 @ market #1
         v 1 fill 5 @ 100 t1
         flatten p0
         v 2 rejected
         restart
         books net 5
         trade 100
         clock 3000
         v 3 fill 5 @ 98 t2",
        &expect![[r#"
            submit 1 Buy 5 Market
            tell p0 #1 filled 5
            closed 1 Filled filled 5
            submit 2 Sell 5 Market
            closed 2 Rejected filled 0
            reconcile
            reconcile
            submit 3 Sell 5 Market
            closed 3 Filled filled 5
            net 0 open 0
        "#]],
    );
}

#[test]
fn a_host_that_cannot_write_cancels_and_halts() {
    check(
        "trade 100
         p0 buy 5 @ 90 #1
         v 1 accepted
         lose-journal
         p0 buy 1 @ 90 #2
         v 1 canceled",
        &expect![[r#"
            submit 1 Buy 5 Limit(Price(90))
            tell p0 #1 accepted
            tell p0 Halted
            tell p1 Halted
            cancel 1
            denied TradingState { scope: Account, state: Halted }
            tell p0 #2 denied trading-state
            tell p0 #1 canceled
            closed 1 Canceled filled 0
            net 0 open 0
        "#]],
    );
}
