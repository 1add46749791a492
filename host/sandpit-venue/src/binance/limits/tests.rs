//! Examples, then any order of events against a venue that counts, too.

use proptest::prelude::*;
use sandpit_core::time::{Nanos, UnixNanos};

use super::*;
use crate::binance::{
    request::{Cost, Pool},
    response::RateLimitUsage,
};

const SECOND: u64 = 1_000_000_000;
const MINUTE: Nanos = Nanos(60 * SECOND);
/// In the middle of a minute.
const NOW: UnixNanos = UnixNanos(1_700_000_010 * SECOND);

fn cost(weight: u32, orders: u32) -> Cost {
    Cost { pool: Pool::Api, weight, weight_confirmed: weight, orders }
}

fn limit(kind: LimitKind, window: Nanos, most: u32) -> Limit {
    Limit { kind, window, most }
}

fn ledger(most: u32) -> Ledger {
    Ledger::new(&[limit(LimitKind::Weight, MINUTE, most)], Reserves::default())
}

fn used(ledger: &mut Ledger, now: UnixNanos) -> u32 {
    ledger.usage(now).next().unwrap().1
}

fn weight(used: u32) -> Usage {
    Usage { kind: LimitKind::Weight, window: MINUTE, used, most: None }
}

#[test]
fn headers_and_entries_are_read() {
    let read = |name: &str, value: &str| {
        Usage::from_header(name, value)
            .map(|usage| (usage.kind, usage.window.0 / SECOND, usage.used))
    };
    assert_eq!(read("X-MBX-USED-WEIGHT-1M", "17"), Some((LimitKind::Weight, 60, 17)));
    assert_eq!(read("x-mbx-order-count-10s", " 3 "), Some((LimitKind::Orders, 10, 3)));
    assert_eq!(read("X-MBX-ORDER-COUNT-1D", "44"), Some((LimitKind::Orders, 86_400, 44)));
    for (name, value) in [
        ("X-MBX-USED-WEIGHT", "1"),
        ("X-MBX-USED-WEIGHT-0M", "1"),
        ("X-MBX-USED-WEIGHT-M", "1"),
        ("X-MBX-USED-WEIGHT-1X", "1"),
        ("X-MBX-USED-WEIGHT-1M", "many"),
        ("X-MBX-USED-WEIGHT-99999999999M", "1"),
        ("X-SAPI-USED-IP-WEIGHT-1M", "1"),
        ("Date", "1"),
    ] {
        assert_eq!(read(name, value), None, "{name}: {value}");
    }
    let entry: RateLimitUsage = serde_json::from_str(
        r#"{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":12}"#,
    )
    .unwrap();
    assert_eq!(
        Usage::from_entry(&entry),
        Some(Usage {
            kind: LimitKind::Orders,
            window: Nanos(10 * SECOND),
            used: 12,
            most: Some(50)
        })
    );
}

#[test]
fn each_lane_leaves_its_part() {
    let mut ledger = ledger(100);
    for (lane, share) in
        [(Lane::Data, 60), (Lane::Orders, 80), (Lane::Reconcile, 90), (Lane::Kill, 100)]
    {
        while ledger.take(lane, cost(1, 0), NOW).is_ok() {}
        assert_eq!(used(&mut ledger, NOW), share, "{lane:?}");
    }
    let error = ledger.take(Lane::Kill, cost(1, 0), NOW).unwrap_err();
    assert_eq!(
        error,
        NoRoom::Share { used: 100, share: 100, until: UnixNanos(1_700_000_040 * SECOND) }
    );
    assert_eq!(
        ledger.take(Lane::Data, cost(61, 0), NOW).unwrap_err(),
        NoRoom::Never { cost: 61, share: 60 }
    );
}

#[test]
fn small_limits_have_a_reserve_too() {
    let shares = Lane::ALL.map(|lane| Reserves::default().share(lane, 5));
    assert_eq!(shares, [5, 4, 3, 2]);
}

#[test]
fn windows_begin_with_the_venues_clock() {
    let mut ledger = ledger(100);
    let _ = ledger.take(Lane::Kill, cost(90, 0), NOW).unwrap();
    let end = 1_700_000_040 * SECOND;
    // Within the guard on either side both windows count.
    let late = UnixNanos(end - SECOND / 2);
    let _ = ledger.take(Lane::Kill, cost(10, 0), late).unwrap();
    let early = UnixNanos(end + SECOND / 2);
    assert!(ledger.take(Lane::Kill, cost(1, 0), early).is_err());
    let after = UnixNanos(end + 2 * SECOND);
    assert_eq!(used(&mut ledger, after), 10);
    assert!(ledger.take(Lane::Kill, cost(90, 0), after).is_ok());
    assert!(ledger.take(Lane::Kill, cost(1, 0), after).is_err());
}

#[test]
fn what_is_confirmed_weighs_less() {
    let mut ledger = ledger(100);
    let placed = Cost { weight_confirmed: 0, ..cost(1, 1) };
    let ticket = ledger.take(Lane::Orders, placed, NOW).unwrap();
    ledger.settle(ticket, Settled::Confirmed, NOW);
    assert_eq!(used(&mut ledger, NOW), 0);
    let ticket = ledger.take(Lane::Orders, placed, NOW).unwrap();
    ledger.settle(ticket, Settled::Counted, NOW);
    assert_eq!(used(&mut ledger, NOW), 1);
    // Never below the venue's word.
    let ticket = ledger.take(Lane::Orders, placed, NOW).unwrap();
    ledger.hear(&weight(40), NOW);
    assert_eq!(used(&mut ledger, NOW), 41);
    ledger.settle(ticket, Settled::Confirmed, NOW);
    assert_eq!(used(&mut ledger, NOW), 40);
    // An older, smaller word changes nothing; nor does one about a window that is over.
    ledger.hear(&weight(3), NOW);
    ledger.hear(&weight(99), UnixNanos(NOW.0 - MINUTE.0));
    assert_eq!(used(&mut ledger, NOW), 40);
}

#[test]
fn orders_have_windows_of_their_own() {
    let limits =
        [limit(LimitKind::Orders, Nanos(10 * SECOND), 10), limit(LimitKind::Weight, MINUTE, 1_000)];
    let mut ledger = Ledger::new(&limits, Reserves::default());
    while ledger.take(Lane::Orders, cost(1, 1), NOW).is_ok() {}
    assert_eq!(ledger.usage(NOW).map(|(_, used)| used).collect::<Vec<_>>(), [8, 8]);
    // A cancel counts no order.
    assert!(ledger.take(Lane::Kill, cost(1, 0), NOW).is_ok());
    ledger.close_orders(UnixNanos(NOW.0 + 30 * SECOND));
    let later = UnixNanos(NOW.0 + 20 * SECOND);
    assert!(ledger.take(Lane::Kill, cost(1, 1), later).is_err());
    assert!(ledger.take(Lane::Data, cost(1, 0), later).is_ok());
    let wallet = Cost { pool: Pool::Sapi, ..cost(1, 0) };
    assert!(ledger.take(Lane::Data, wallet, later).is_ok());
}

#[test]
fn a_ban_closes_everything_and_the_later_end_stays() {
    let mut ledger = ledger(100);
    let until = UnixNanos(NOW.0 + 120 * SECOND);
    ledger.close(Closed::Banned, until);
    ledger.close(Closed::Limited, UnixNanos(NOW.0 + SECOND));
    for lane in Lane::ALL {
        let error = ledger.take(lane, cost(1, 0), UnixNanos(until.0 - 1)).unwrap_err();
        assert_eq!(error, NoRoom::Closed { why: Closed::Banned, until });
    }
    assert!(ledger.take(Lane::Data, cost(1, 0), until).is_ok());
}

#[test]
fn a_limit_that_the_venue_names_is_kept() {
    let mut ledger = ledger(100);
    let named =
        Usage { kind: LimitKind::Orders, window: Nanos(10 * SECOND), used: 5, most: Some(10) };
    ledger.hear(&named, NOW);
    ledger.hear(&Usage { most: Some(50), ..weight(7) }, NOW);
    let usage: Vec<_> = ledger.usage(NOW).map(|(limit, used)| (limit.most, used)).collect();
    assert_eq!(usage, [(50, 7), (10, 5)]);
    for seconds in 1..100 {
        ledger.hear(&Usage { window: Nanos(seconds * SECOND), ..named }, NOW);
    }
    assert_eq!(ledger.usage(NOW).count(), LIMITS_MAX);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ask(usize, u32),
    Answer(prop::sample::Index, bool),
    Foreign(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..20_000u64).prop_map(Step::Wait),
        (0..4usize, 1..30u32).prop_map(|(lane, cost)| Step::Ask(lane, cost)),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, done)| Step::Answer(at, done)),
        (1..40u32).prop_map(Step::Foreign),
    ]
}

/// A venue that counts what arrives, at any time between asking and answering.
#[derive(Default)]
struct Venue {
    window: u64,
    used: u32,
}

impl Venue {
    fn count(&mut self, weight: u32, now: u64) {
        self.come_to(now);
        self.used += weight;
    }

    fn come_to(&mut self, now: u64) {
        if now / MINUTE.0 != self.window {
            self.window = now / MINUTE.0;
            self.used = 0;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is asked, answered and heard, in any order: no lane ever spends another's
    /// reserve, the count never exceeds the limit, and it is never below the venue's word.
    #[test]
    fn the_reserve_is_never_spent_by_others(steps in prop::collection::vec(step(), 1..120)) {
        const MOST: u32 = 100;
        let mut ledger = ledger(MOST);
        let mut venue = Venue::default();
        let mut now = NOW.0;
        let mut open: Vec<(Ticket, Cost)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(ms) => now += ms * 1_000_000,
                Step::Foreign(weight) => venue.count(weight, now),
                Step::Ask(lane, weight) => {
                    let lane = Lane::ALL[lane];
                    let asked = Cost { weight_confirmed: 0, ..cost(weight, 0) };
                    if let Ok(ticket) = ledger.take(lane, asked, UnixNanos(now)) {
                        let share = Reserves::default().share(lane, MOST);
                        let counted = used(&mut ledger, UnixNanos(now));
                        prop_assert!(counted <= share, "{lane:?}: {counted} of {share}");
                        open.push((ticket, asked));
                    }
                }
                Step::Answer(at, confirmed) => {
                    if open.is_empty() {
                        continue;
                    }
                    let (ticket, asked) = open.swap_remove(at.index(open.len()));
                    let how = if confirmed {
                        venue.count(asked.weight_confirmed, now);
                        Settled::Confirmed
                    } else {
                        venue.count(asked.weight, now);
                        Settled::Counted
                    };
                    ledger.settle(ticket, how, UnixNanos(now));
                    ledger.hear(&weight(venue.used), UnixNanos(now));
                    prop_assert!(used(&mut ledger, UnixNanos(now)) >= venue.used);
                }
            }
        }
    }

    /// Alone at the venue, with a clock that is off by less than the guard, the venue's own count
    /// never exceeds the limit.
    #[test]
    fn the_venue_is_never_asked_too_much(
        steps in prop::collection::vec((1..3_000u64, 1..30u32, 0..4usize), 1..200),
        skew_ms in -900i64..900,
    ) {
        const MOST: u32 = 100;
        let mut ledger = ledger(MOST);
        let mut venue = Venue::default();
        let mut now = NOW.0;
        for (wait_ms, weight, lane) in steps {
            now += wait_ms * 1_000_000;
            let taken = ledger.take(Lane::ALL[lane], cost(weight, 0), UnixNanos(now));
            if let Ok(ticket) = taken {
                let theirs = now.saturating_add_signed(skew_ms * 1_000_000);
                venue.count(weight, theirs);
                prop_assert!(venue.used <= MOST, "{}", venue.used);
                ledger.settle(ticket, Settled::Counted, UnixNanos(now));
            }
        }
    }
}
