//! Losses that lock, locks that end, and what a restart remembers of both.

use sandpit_core::{
    engine::{EngineConfig, LockReason, Record},
    ids::PluginId,
    num::{Decimal, Money},
    plugin::TradingState,
    risk::{
        BasisPoints, BreachPolicy, Guards, Limits, LossGuard, LossLimit, OffTick, RampStage,
        StreakGuard, Unlock, VelocityGuard,
    },
};

use crate::{recovery::Host, script::config};

const P0: Option<PluginId> = Some(PluginId(0));
/// Ten bought at 100, for a fee of 1.
const LONG: &str = "trade 100\np0 buy 10 @ market #1\nv 1 fill 10 @ 100 t1";

fn money(amount: i64) -> Money {
    Money::from_decimal(Decimal::new(amount, 0)).unwrap()
}

fn reducing(unlock: Unlock) -> BreachPolicy {
    BreachPolicy { state: TradingState::Reducing, flatten: false, unlock }
}

fn loss(amount: Money, policy: BreachPolicy) -> Option<LossGuard> {
    Some(LossGuard { limit: LossLimit::Amount(amount), policy })
}

fn guarded(guards: Guards) -> Limits {
    Limits { guards, ..Limits::unlimited() }
}

fn host(plugin: Limits, account: Limits) -> Host {
    Host::new(config(plugin, account, OffTick::Deny))
}

fn locked(host: &Host, plugin: Option<PluginId>) -> Vec<LockReason> {
    host.engine.locks(plugin).map(|lock| lock.reason).collect()
}

#[test]
fn a_loss_locks_exactly_at_its_bound_in_either_scope() {
    for (in_account, scope) in [(false, P0), (true, None)] {
        // At 95 the loss is 50 and the fee.
        for (amount, breached) in [(money(51), true), (Money(money(51).0 + 1), false)] {
            for daily in [true, false] {
                let guard = loss(amount, reducing(Unlock::Person));
                let guards = if daily {
                    Guards { daily_loss: guard, ..Guards::NONE }
                } else {
                    Guards { drawdown: guard, ..Guards::NONE }
                };
                let (limits, free) = (guarded(guards), Limits::unlimited());
                let mut host = if in_account { host(free, limits) } else { host(limits, free) };
                host.run(LONG);
                host.run("trade 96");
                assert_eq!(locked(&host, scope), []);
                let out = host.run("trade 95");
                let reason = if daily { LockReason::DailyLoss } else { LockReason::Drawdown };
                let expected = if breached { vec![reason] } else { vec![] };
                assert_eq!(locked(&host, scope), expected, "{amount} {scope:?}:\n{out}");
                assert_eq!(out.contains("LimitBreached"), breached);
            }
        }
    }
}

#[test]
fn a_breach_cancels_what_works_and_keeps_what_protects() {
    let guards =
        Guards { daily_loss: loss(money(51), reducing(Unlock::NextSession)), ..Guards::NONE };
    let mut host = host(guarded(guards), Limits::unlimited());
    host.run("trade 100\np0 bracket buy 10 @ 100 #1 stop 90 #2 take 120 #3\nv 1 fill 10 @ 100 t1");
    host.run("v 2 accepted\nv 3 accepted\np0 buy 1 @ 80 #4\nv 4 accepted\np1 buy 1 @ 80 #1");
    let out = host.run("trade 95");
    assert!(out.contains("cancel 4"), "{out}");
    for kept in ["cancel 2", "cancel 3", "cancel 5"] {
        assert!(!out.contains(kept), "{kept} in\n{out}");
    }
    assert!(host.run("p0 buy 1 @ 80 #5").contains("denied trading-state"));
    assert!(host.run("p1 buy 1 @ 80 #2").contains("submit"));
}

#[test]
fn flattening_closes_the_position_at_once() {
    let policy =
        BreachPolicy { state: TradingState::Halted, flatten: true, unlock: Unlock::Person };
    let guards = Guards { drawdown: loss(money(51), policy), ..Guards::NONE };
    let mut host = host(guarded(guards), Limits::unlimited());
    host.run(LONG);
    let out = host.run("trade 95");
    assert!(out.contains("submit 2 Sell 10 Market"), "{out}");
    host.run("v 2 fill 10 @ 95 t2");
    assert!(host.run("trade 50").is_empty(), "flat: nothing is lost any more");
}

#[test]
fn a_daily_lock_survives_a_restart_and_ends_with_the_day() {
    let guards =
        Guards { daily_loss: loss(money(51), reducing(Unlock::NextSession)), ..Guards::NONE };
    let mut host = host(guarded(guards), Limits::unlimited());
    host.run(LONG);
    host.run("trade 95\nrestart");
    assert_eq!(locked(&host, P0), [LockReason::DailyLoss]);
    assert_eq!(host.engine.next_wake().map(|at| at.0), Some(86_400_000_000_000));
    host.run("trade 95\nclock 86399999");
    assert_eq!(locked(&host, P0), [LockReason::DailyLoss]);
    let out = host.run("clock 86400000");
    assert!(out.contains("tell p0 Active"), "{out}");
    assert_eq!(locked(&host, P0), []);
    // Measured from the equity at the start of the day: 949, and 51 less is at 90 with no fee.
    host.run("trade 90");
    assert_eq!(locked(&host, P0), []);
    host.run("restart\ntrade 90\ntrade 89");
    assert_eq!(locked(&host, P0), [LockReason::DailyLoss]);
}

#[test]
fn the_day_and_the_peak_survive_a_restart() {
    let guards = Guards {
        daily_loss: loss(money(60), reducing(Unlock::Person)),
        drawdown: loss(money(100), reducing(Unlock::Person)),
        ..Guards::NONE
    };
    let mut host = host(guarded(guards), Limits::unlimited());
    host.run(LONG);
    // A peak of 1,099 on the first day; the second begins at 1,049.
    host.run("trade 110\nclock 86400000\ntrade 105\nclock 172800000\nrestart");
    host.run("trade 101");
    assert_eq!(locked(&host, P0), [], "40 of the day, 90 of the peak");
    host.run("trade 100");
    assert_eq!(locked(&host, P0), [LockReason::Drawdown]);
    host.run("trade 99");
    assert_eq!(locked(&host, P0), [LockReason::DailyLoss, LockReason::Drawdown]);
}

#[test]
fn a_person_ends_a_lock_and_the_guard_measures_anew() {
    let guards = Guards { drawdown: loss(money(51), reducing(Unlock::Person)), ..Guards::NONE };
    let mut host = host(guarded(guards), Limits::unlimited());
    host.run(LONG);
    host.run("trade 95\nclock 999999999\nunlock p0 drawdown\ntrade 91\nrestart\ntrade 91");
    assert_eq!(locked(&host, P0), [], "40 since then");
    host.run("trade 89");
    assert_eq!(locked(&host, P0), [LockReason::Drawdown]);
}

#[test]
fn losing_trips_in_a_row_lock_for_a_while() {
    let policy = reducing(Unlock::After(sandpit_core::time::Nanos::from_millis(60_000)));
    let losing_streak = Some(StreakGuard { losses_max: 2, policy });
    let mut host = host(guarded(Guards { losing_streak, ..Guards::NONE }), Limits::unlimited());
    let trip = |first: u32, buy: u32, sell: u32| {
        let second = first + 1;
        format!(
            "trade {buy}\np0 buy 1 @ market #{first}\nv {first} fill 1 @ {buy} t{first}\n\
             p0 sell 1 @ market #{second}\nv {second} fill 1 @ {sell} t{second}"
        )
    };
    host.run(&trip(1, 100, 99));
    host.run(&trip(3, 100, 120));
    host.run(&trip(5, 100, 99));
    host.run("restart");
    assert_eq!(locked(&host, P0), []);
    // At the same price the fees alone are lost.
    host.run(&trip(7, 100, 100));
    assert_eq!(locked(&host, P0), [LockReason::LosingStreak]);
    host.run("clock 60001");
    assert_eq!(locked(&host, P0), []);
    host.run(&trip(9, 100, 99));
    assert_eq!(locked(&host, P0), [], "counted anew");
}

#[test]
fn a_fast_loss_locks_and_a_slow_one_does_not() {
    let policy = reducing(Unlock::Person);
    let limit = LossLimit::Share(BasisPoints(500));
    let velocity = Some(VelocityGuard { limit, minutes: 5, policy });
    let limits = guarded(Guards { pnl_velocity: velocity, ..Guards::NONE });
    let mut slow = host(limits.clone(), Limits::unlimited());
    slow.run(LONG);
    for (minute, price) in [(10, 98), (20, 96), (30, 94), (40, 92)] {
        slow.run(&format!("clock {}\ntrade {price}", minute * 60_000));
        assert_eq!(locked(&slow, P0), [], "{minute} {price}");
        // The samples in between.
        for later in 1..9 {
            slow.run(&format!("clock {}", (minute + later) * 60_000));
        }
    }
    let mut fast = host(limits, Limits::unlimited());
    fast.run(LONG);
    fast.run("clock 60000\ntrade 98\nclock 120000\ntrade 96\nrestart\ntrade 96");
    assert_eq!(locked(&fast, P0), []);
    fast.run("clock 180000\ntrade 94");
    assert_eq!(locked(&fast, P0), [LockReason::PnlVelocity]);
}

#[test]
fn the_ramp_goes_up_after_clean_days_and_down_on_a_breach() {
    let stage = |share, days| RampStage { share: BasisPoints(share), days };
    let limits = Limits {
        order_notional_max: Some(money(1_000)),
        ramp: vec![stage(1_000, 2), stage(5_000, 1), stage(10_000, 0)],
        guards: Guards {
            daily_loss: loss(money(102), reducing(Unlock::NextSession)),
            ..Guards::NONE
        },
        ..Limits::unlimited()
    };
    let mut host = host(limits, Limits::unlimited());
    host.run("trade 100");
    let most = |host: &mut Host| {
        let tag = host.engine.now().0;
        let denied = |host: &mut Host, quantity| {
            host.run(&format!("p0 buy {quantity} @ 100 #{tag}")).contains("denied")
        };
        let most = (1..=11).rev().find(|quantity| !denied(host, *quantity));
        host.run(&format!("p0 cancel #{tag}"));
        most.unwrap_or(0)
    };
    assert_eq!(most(&mut host), 1);
    host.run("clock 86400000");
    assert_eq!(most(&mut host), 1);
    host.run("clock 172800000\nrestart");
    assert_eq!(most(&mut host), 5);
    host.run("clock 259200000");
    assert_eq!(most(&mut host), 10);
    // At full size the day may lose 102: ten bought at 100 may fall to 90 with their fee of 1.
    let id = host.engine.orders().last().map_or(0, |(order, ..)| order.id.sequence) + 1;
    host.run(&format!("trade 100\np0 buy 10 @ 100 #7\nv {id} fill 10 @ 100 t99\ntrade 90"));
    assert_eq!(locked(&host, P0), []);
    host.run("trade 89\nrestart");
    assert_eq!(locked(&host, P0), [LockReason::DailyLoss]);
    host.run("clock 345600000\ntrade 100");
    assert_eq!(locked(&host, P0), []);
    assert_eq!(most(&mut host), 5, "down a stage, and the day of the breach does not count");
}

#[test]
fn without_guards_nothing_is_written() {
    let config: EngineConfig = config(Limits::unlimited(), Limits::unlimited(), OffTick::Deny);
    let mut host = Host::new(config);
    host.run(LONG);
    host.run("trade 95\nclock 86400000\ntrade 90");
    let samples = host.records().filter(|record| matches!(record, Record::Equity { .. }));
    assert_eq!(samples.count(), 0);
}
